# One directory for all environments: each has a file ENVIRONMENT.tfvars here. That
# it comes after the cluster, which it reads nothing of, stands in penstock.yaml.
data "terraform_remote_state" "database" {
  backend = "local"

  config = {
    path = "../../.state/${var.environment}/live/${var.environment}/database.tfstate"
  }
}

module "queue" {
  source = "git::https://github.com/acme/infrastructure-modules.git//modules/sqs-queue?ref=v1.2.0"

  name              = "orders-${var.environment}"
  max_receive_count = var.max_receive_count
}

module "role" {
  source = "git::https://github.com/acme/infrastructure-modules.git//modules/service-iam-role?ref=v1.2.0"

  name       = "orders-${var.environment}"
  queue_arns = [module.queue.arn]
}

output "database" {
  description = "Address and port of the database that the service works with."
  value       = data.terraform_remote_state.database.outputs.endpoint
}

output "role_arn" {
  description = "ARN of the role that the service runs as."
  value       = module.role.arn
}
