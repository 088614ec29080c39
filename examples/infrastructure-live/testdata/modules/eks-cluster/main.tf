# Stands in for the module of the same name that runs on AWS.
resource "random_id" "cluster" {
  byte_length = 16

  keepers = {
    name = var.name
  }
}

resource "terraform_data" "cluster" {
  input = {
    name    = var.name
    version = var.kubernetes_version
  }
}
