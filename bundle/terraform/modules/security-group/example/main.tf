provider "aws" {
  region = "eu-west-1"
}

variable "vpc_id" {
  description = "Network of the example."
  type        = string
  default     = "vpc-0123456789abcdef0"
}

module "pods" {
  source = "../"

  environment = "pprd"
  service     = "shop"
  name        = "pods"
  vpc_id      = var.vpc_id
  tags        = { owner = "team-shop" }

  ingress = {
    billing = {
      service = "billing"
      cidr    = "10.1.2.0/24"
      port    = 8080
      reason  = "asks for orders until the queue is there"
      expires = formatdate("YYYY-MM-DD", timeadd(plantimestamp(), "720h"))
    }
  }

  egress = {
    https = { cidr = "0.0.0.0/0", port = 443, reason = "APIs of AWS and of the payment provider" }
  }
}
