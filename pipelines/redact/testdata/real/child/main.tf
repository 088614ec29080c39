variable "token" { sensitive = true }
variable "label" {}
resource "terraform_data" "in" { input = { token = var.token, label = var.label } }
