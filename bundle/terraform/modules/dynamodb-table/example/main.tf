provider "aws" {
  region = "eu-west-1"
}

module "carts" {
  source = "../"

  environment   = "pprd"
  service       = "shop"
  name          = "carts"
  hash_key      = "customer"
  range_key     = "added"
  attributes    = { added = "N" }
  indexes       = { by-product = { hash_key = "product" } }
  ttl_attribute = "forgotten"
  tags          = { owner = "team-shop" }
}
