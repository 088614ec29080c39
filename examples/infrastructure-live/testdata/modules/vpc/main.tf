# Stands in for the module of the same name that runs on AWS: the same variables
# and outputs, made of providers that need neither a cloud nor a login.
resource "random_id" "vpc" {
  byte_length = 8

  keepers = {
    cidr_block = var.cidr_block
  }
}

resource "random_id" "subnet" {
  count = var.zone_count

  byte_length = 8

  keepers = {
    vpc = random_id.vpc.hex
  }
}

resource "terraform_data" "network" {
  input = {
    name    = var.name
    subnets = [for i in range(var.zone_count) : cidrsubnet(var.cidr_block, 4, i)]
  }
}
