mock_provider "aws" {
  mock_resource "aws_rds_cluster" {
    defaults = { master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!cluster-1" }] }
  }
}

variables {
  environment    = "pprd"
  service        = "shop"
  name           = "main-store"
  engine_version = "16.6"
  vpc_id         = "vpc-0123456789abcdef0"
  subnet_ids     = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  role_arn       = "arn:aws:iam::123456789012:role/penstock/pprd-shop"
}

run "encrypted_protected_and_closed" {
  command = plan

  assert {
    condition     = aws_rds_cluster.this.storage_encrypted && aws_rds_cluster.this.deletion_protection && aws_rds_cluster.this.manage_master_user_password
    error_message = "the cluster is not encrypted or not protected, or its password is ours"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.client) == 0 && length(aws_vpc_security_group_ingress_rule.grant) == 0
    error_message = "somebody may connect whom nobody granted it"
  }

  assert {
    condition     = aws_rds_cluster.this.database_name == "main_store" && aws_rds_cluster_parameter_group.this.family == "aurora-postgresql16"
    error_message = "the database or the family of parameters is another"
  }

  assert {
    condition     = aws_ssm_parameter.this["endpoint"].name == "/pprd/shop/rds_clusters/main-store/endpoint"
    error_message = "the parameter is not where helm-values looks"
  }
}

run "mysql" {
  command = plan

  variables {
    engine         = "aurora-mysql"
    engine_version = "8.0.mysql_aurora.3.08.2"
    clients        = { pods = "sg-0123456789abcdef0" }
  }

  assert {
    condition     = aws_rds_cluster_parameter_group.this.family == "aurora-mysql8.0" && aws_vpc_security_group_ingress_rule.client["pods"].from_port == 3306
    error_message = "the family of parameters or the port is another"
  }
}

run "expired_grant" {
  command = plan

  variables {
    grants = { reporting = { service = "reporting", cidr = "10.1.3.0/24", reason = "reads", expires = "2020-01-31" } }
  }

  expect_failures = [var.grants]
}

run "grant_without_somebody" {
  command = plan

  variables {
    grants = { reporting = { service = "reporting", reason = "reads", expires = formatdate("YYYY-MM-DD", timeadd(timestamp(), "48h")) } }
  }

  expect_failures = [var.grants]
}

run "word_that_there_is_not" {
  command = plan

  variables {
    access = ["admin"]
  }

  expect_failures = [var.access]
}

run "without_a_network" {
  command = plan

  variables {
    vpc_id = null
  }

  expect_failures = [var.vpc_id]
}
