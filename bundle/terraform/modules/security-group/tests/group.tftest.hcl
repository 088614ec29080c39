mock_provider "aws" {}

variables {
  environment = "pprd"
  service     = "shop"
  name        = "pods"
  vpc_id      = "vpc-0123456789abcdef0"
}

run "nothing_in_and_nothing_out" {
  command = plan

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.this) == 0 && length(aws_vpc_security_group_egress_rule.this) == 0
    error_message = "something is let in or out that nobody granted"
  }

  assert {
    condition     = aws_security_group.this.name == "pprd-shop-pods" && aws_ssm_parameter.this["id"].name == "/pprd/shop/security_groups/pods/id"
    error_message = "the names are not those of the convention"
  }
}

run "a_grant_opens_one_port" {
  command = plan

  variables {
    ingress = {
      billing = { service = "billing", cidr = "10.1.2.0/24", port = 8080, reason = "until there is a queue", expires = formatdate("YYYY-MM-DD", timeadd(timestamp(), "48h")) }
    }
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.this["billing"].from_port == 8080 && aws_vpc_security_group_ingress_rule.this["billing"].to_port == 8080 && aws_vpc_security_group_ingress_rule.this["billing"].cidr_ipv4 == "10.1.2.0/24"
    error_message = "the grant opens something else"
  }
}

run "expired_grant" {
  command = plan

  variables {
    ingress = {
      billing = { service = "billing", cidr = "10.1.2.0/24", port = 8080, reason = "until there is a queue", expires = "2020-01-31" }
    }
  }

  expect_failures = [var.ingress]
}

run "grant_that_never_ends" {
  command = plan

  variables {
    ingress = {
      billing = { service = "billing", cidr = "10.1.2.0/24", port = 8080, reason = "until there is a queue", expires = "2999-01-31" }
    }
  }

  expect_failures = [var.ingress]
}

run "grant_to_the_world" {
  command = plan

  variables {
    ingress = {
      billing = { service = "billing", cidr = "0.0.0.0/0", port = 8080, reason = "simpler", expires = formatdate("YYYY-MM-DD", timeadd(timestamp(), "48h")) }
    }
  }

  expect_failures = [var.ingress]
}
