resource "a" "crlf" {
  x = 1
  yy = "b"
  z = <<EOT
text
EOT
}
