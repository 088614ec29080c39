provider "aws" {
  region = "eu-west-1"
}

module "cluster" {
  source = "../../modules/eks-cluster"

  name = "example"
}
