provider "aws" {
  region = "eu-west-1"
}

variable "vpc_id" {
  description = "Network of the example."
  type        = string
  default     = "vpc-0123456789abcdef0"
}

variable "subnet_ids" {
  description = "Subnets of the example."
  type        = list(string)
  default     = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
}

module "uploads" {
  source = "../"

  environment = "pprd"
  service     = "shop"
  name        = "uploads"
  vpc_id      = var.vpc_id
  subnet_ids  = var.subnet_ids
  access      = ["write"]
  role_arn    = "arn:aws:iam::123456789012:role/penstock/pprd-shop"
  tags        = { owner = "team-shop" }
}
