# Stands in for the module of the same name that runs on AWS.
resource "random_id" "account" {
  byte_length = 6
}

resource "terraform_data" "queue" {
  input = {
    name              = var.name
    max_receive_count = var.max_receive_count
  }
}
