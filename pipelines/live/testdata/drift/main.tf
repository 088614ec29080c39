terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "x"
  secret_key                  = "x"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  endpoints {
    ssm = "http://127.0.0.1:15123"
    sqs = "http://127.0.0.1:15123"
  }
}
variable "size" { default = 30 }
resource "aws_ssm_parameter" "db" {
  name  = "/app/password"
  type  = "SecureString"
  value = "first-Pa55word"
  tags  = { Name = "db", LastScan = "never" }
}
resource "aws_sqs_queue" "jobs" {
  for_each                   = toset(["fast", "slow"])
  name                       = "jobs-${each.key}"
  visibility_timeout_seconds = var.size
  tags                       = { Team = "orders" }
}
resource "aws_sqs_queue" "kept" {
  name = "kept"
}
output "size" { value = aws_sqs_queue.jobs["fast"].visibility_timeout_seconds }
