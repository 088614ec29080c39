# Stands in for the module of the same name that runs on AWS.
resource "random_id" "role" {
  byte_length = 4

  prefix = "${var.name}-"
}

resource "terraform_data" "policy" {
  input = {
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    resources = var.queue_arns
  }
}
