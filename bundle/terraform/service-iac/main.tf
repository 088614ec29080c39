# The infrastructure of a service, one module for each type.
provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account]

  default_tags {
    tags = merge(var.tags, { environment = var.environment, service = var.service, owner = var.owner })
  }
}
