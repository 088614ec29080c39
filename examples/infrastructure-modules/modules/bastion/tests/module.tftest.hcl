# Runs without an account: terraform test, in the module's directory.
mock_provider "aws" {}

variables {
  vpc_id    = "vpc-1"
  subnet_id = "subnet-1"
  ami       = "ami-1"
}

run "only_offices_come_in" {
  command = plan

  variables {
    office_cidrs = ["198.51.100.0/24", "203.0.113.0/24"]
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.office : rule.cidr_ipv4]) == toset(var.office_cidrs)
    error_message = "the door is open to others than the offices"
  }
}

run "credentials_cannot_be_stolen_through_the_host" {
  command = plan

  assert {
    condition     = aws_instance.bastion.metadata_options[0].http_tokens == "required" && aws_instance.bastion.root_block_device[0].encrypted
    error_message = "the bastion answers to old metadata requests, or its disk is readable"
  }
}
