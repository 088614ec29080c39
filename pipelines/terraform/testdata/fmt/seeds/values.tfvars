project     = "penstock"
environment = "dvlp"
cidr        = "10.0.0.0/16"
rules = [
  { port = 443, cidr = "0.0.0.0/0" },
  { port = 22 }
]
tags = {
  owner = "platform", team = "infra"
}
script = <<EOT
 #!/bin/sh
 echo   "$HOME"
EOT
