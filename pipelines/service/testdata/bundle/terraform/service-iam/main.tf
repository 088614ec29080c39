# A bundle without providers: terraform_data stands in for what AWS has.
variable "environment" {
  type = string
}

variable "service" {
  type = string
}

variable "boundary" {
  type    = string
  default = null
}

variable "sqs_queues" {
  type    = map(object({ access = optional(list(string), []) }))
  default = {}
}

locals {
  resources = { sqs_queues = var.sqs_queues }
  contracts = { for file in fileset("${path.module}/../modules", "*/contract.yaml") : yamldecode(file("${path.module}/../modules/${file}")).type => true }
}

resource "terraform_data" "role" {
  input = {
    name   = "${var.environment}-${var.service}"
    access = { for name, queue in local.resources.sqs_queues : name => queue.access if local.contracts["sqs_queues"] }
  }
}
