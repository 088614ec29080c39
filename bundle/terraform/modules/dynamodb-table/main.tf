locals {
  index_keys = flatten([for index in values(var.indexes) : [index.hash_key, index.range_key]])
  keys       = toset([for key in concat([var.hash_key, var.range_key], local.index_keys) : key if key != null])
}

resource "aws_dynamodb_table" "this" {
  name                        = "${var.environment}-${var.service}-${var.name}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = var.hash_key
  range_key                   = var.range_key
  deletion_protection_enabled = var.deletion_protection
  tags                        = var.tags

  dynamic "attribute" {
    for_each = local.keys

    content {
      name = attribute.value
      type = lookup(var.attributes, attribute.value, "S")
    }
  }

  dynamic "global_secondary_index" {
    for_each = var.indexes

    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value.hash_key
      range_key       = global_secondary_index.value.range_key
      projection_type = "ALL"
    }
  }

  dynamic "ttl" {
    for_each = var.ttl_attribute[*]

    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }
}

resource "aws_ssm_parameter" "this" {
  for_each = {
    table = aws_dynamodb_table.this.name
    arn   = aws_dynamodb_table.this.arn
  }

  name           = "/${var.environment}/${var.service}/dynamodb_tables/${var.name}/${each.key}"
  type           = "String"
  insecure_value = each.value # none is a secret, and a plan that shows them can be reviewed
  tags           = var.tags
}
