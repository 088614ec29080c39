provider "aws" {
  region = "eu-west-1"
}

module "main" {
  source = "../"

  environment = "pprd"
  service     = "shop"
  name        = "main"
  tags        = { owner = "team-shop" }
}
