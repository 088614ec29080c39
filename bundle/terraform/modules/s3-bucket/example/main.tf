provider "aws" {
  region = "eu-west-1"
}

module "invoices" {
  source = "../"

  environment = "pprd"
  service     = "shop"
  name        = "invoices"
  account     = "123456789012"
  expire_days = 3650
  tags        = { owner = "team-shop" }
}
