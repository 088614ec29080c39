# The infrastructure of a service, one module for each type.
provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account]

  default_tags {
    tags = merge(var.tags, { environment = var.environment, service = var.service, owner = var.owner })
  }
}

locals {
  partition = startswith(var.region, "cn-") ? "aws-cn" : startswith(var.region, "us-gov-") ? "aws-us-gov" : "aws"
  # The role that service-iam made, by its name: the policies of what is here may name it.
  role_arn = "arn:${local.partition}:iam::${var.account}:role/penstock/${var.environment}-${var.service}"
}
