variable "name" {
  type = string
}

variable "fifo" {
  type = bool
}

variable "retention" {
  type = number
}

resource "terraform_data" "queue" {
  input = {
    name      = var.name
    fifo      = var.fifo
    retention = var.retention
  }
}
