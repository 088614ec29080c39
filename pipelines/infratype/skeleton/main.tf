locals {
  full_name = "${var.environment}-${var.service}-${var.name}"
}

# What is made goes here: encrypted, not public, with backups, and named local.full_name.

resource "aws_ssm_parameter" "this" {
  for_each = {
    name = local.full_name
  }

  name           = "/${var.environment}/${var.service}/@TYPE@/${var.name}/${each.key}"
  type           = "String"
  insecure_value = each.value # none is a secret, and a plan that shows them can be reviewed
  tags           = var.tags
}
