mock_provider "aws" {}

variables {
  environment = "pprd"
  service     = "shop"
  name        = "main"
}

run "parameter_is_where_helm_values_looks" {
  command = plan

  assert {
    condition     = aws_ssm_parameter.this["name"].name == "/pprd/shop/@TYPE@/main/name"
    error_message = "the parameter is not where helm-values looks"
  }
}

run "name_that_is_refused" {
  command = plan

  variables {
    name = "Main"
  }

  expect_failures = [var.name]
}
