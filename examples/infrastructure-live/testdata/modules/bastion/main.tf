# Stands in for the module of the same name that runs on AWS.
resource "random_id" "ssh" {
  byte_length = 8

  keepers = {
    vpc = var.vpc_id
  }
}

resource "terraform_data" "host" {
  input = {
    subnet  = var.subnet_id
    ami     = var.ami
    offices = var.office_cidrs
  }
}
