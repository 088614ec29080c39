provider "aws" {
  region = "eu-west-1"
}

module "vpc" {
  source = "../../modules/vpc"

  name = "example"
}

module "database" {
  source = "../../modules/rds"

  name       = "example"
  subnet_ids = module.vpc.private_subnet_ids
}
