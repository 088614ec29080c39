# The root without a provider: terraform_data stands in for what AWS has, and files in
# PARAMETERS for what is in SSM.
locals {
  contracts = { for file in fileset("${path.module}/../modules", "*/contract.yaml") : yamldecode(file("${path.module}/../modules/${file}")).type => true }
}

resource "terraform_data" "role" {
  input = {
    name   = "${var.environment}-${var.service}"
    queues = { for name, queue in var.sqs_queues : name => queue.access if local.contracts["sqs_queues"] }
  }

  provisioner "local-exec" {
    command = <<-EOT
      mkdir -p 'PARAMETERS/${var.environment}/${var.service}/iam/role'
      printf %s 'arn:aws:iam::${var.account}:role/penstock/${var.environment}-${var.service}' > 'PARAMETERS/${var.environment}/${var.service}/iam/role/arn'
    EOT
  }
}
