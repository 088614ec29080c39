provider "aws" {
  region = "eu-west-1"
}

module "orders" {
  source = "../"

  environment        = "pprd"
  service            = "shop"
  name               = "orders"
  visibility_timeout = 60
  tags               = { owner = "team-shop" }
}
