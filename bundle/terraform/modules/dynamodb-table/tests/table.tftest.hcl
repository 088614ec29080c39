mock_provider "aws" {}

variables {
  environment = "pprd"
  service     = "shop"
  name        = "carts"
  hash_key    = "customer"
}

run "encrypted_recoverable_protected" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.server_side_encryption[0].enabled && aws_dynamodb_table.this.point_in_time_recovery[0].enabled
    error_message = "the table is not encrypted, or cannot be recovered"
  }

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "the table can be deleted by mistake"
  }

  assert {
    condition     = aws_dynamodb_table.this.name == "pprd-shop-carts" && aws_ssm_parameter.this["table"].name == "/pprd/shop/dynamodb_tables/carts/table"
    error_message = "the names are not those of the convention"
  }
}

run "keys_of_indexes_are_attributes" {
  command = plan

  variables {
    attributes = { added = "N" }
    indexes    = { by-product = { hash_key = "product", range_key = "added" } }
  }

  assert {
    condition     = { for a in aws_dynamodb_table.this.attribute : a.name => a.type } == { customer = "S", product = "S", added = "N" }
    error_message = "the attributes are not the keys"
  }
}

run "type_that_dynamodb_does_not_have" {
  command = plan

  variables {
    attributes = { customer = "string" }
  }

  expect_failures = [var.attributes]
}
