provider "aws" {
  region = "eu-west-1"
}

module "bucket" {
  source = "../../modules/s3-bucket"

  name = "example-penstock-artifacts"
}

module "volume" {
  source = "../../modules/ebs-volume"

  name              = "example-data"
  availability_zone = "eu-west-1a"
}
