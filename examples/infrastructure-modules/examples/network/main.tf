provider "aws" {
  region = "eu-west-1"
}

module "vpc" {
  source = "../../modules/vpc"

  name = "example"
}

module "bastion" {
  source = "../../modules/bastion"

  vpc_id    = module.vpc.vpc_id
  subnet_id = module.vpc.private_subnet_ids[0]
  ami       = "ami-0123456789abcdef0"
}
