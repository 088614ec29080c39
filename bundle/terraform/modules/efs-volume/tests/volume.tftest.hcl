mock_provider "aws" {}

variables {
  environment = "pprd"
  service     = "shop"
  name        = "uploads"
  vpc_id      = "vpc-0123456789abcdef0"
  subnet_ids  = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  role_arn    = "arn:aws:iam::123456789012:role/penstock/pprd-shop"
}

run "encrypted_backed_up_and_closed" {
  command = plan

  assert {
    condition     = aws_efs_file_system.this.encrypted && aws_efs_backup_policy.this.backup_policy[0].status == "ENABLED"
    error_message = "the volume is not encrypted, or not backed up"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.client) == 0
    error_message = "somebody may connect whom nobody granted it"
  }

  assert {
    condition     = aws_ssm_parameter.this["file_system_id"].name == "/pprd/shop/efs_volumes/uploads/file_system_id"
    error_message = "the parameter is not where helm-values looks"
  }
}

run "files_of_root" {
  command = plan

  variables {
    posix = { user = 0 }
  }

  expect_failures = [var.posix]
}

run "word_that_there_is_not" {
  command = plan

  variables {
    access = ["root"]
  }

  expect_failures = [var.access]
}
