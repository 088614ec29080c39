resource "aws_iam_policy" "this" {
  name   = "example"
  policy = <<POLICY
{
  "Version": "2012-10-17",
    "Statement": [ { "Effect":"Allow",   "Action" : "s3:GetObject",
      "Resource": "arn:aws:s3:::${var.bucket}/*" } ]
}
POLICY

  description = <<-EOT
    Several lines
      %{for name in var.names~}
    name: ${name}
      %{endfor~}
    %{if var.a}yes%{else}no%{endif}
  EOT
}

output "list" {
  value = [
    <<-A
      first
    A
    , "second",
    join(",", [for i in range(3) : "${i}"]),
  ]
}
