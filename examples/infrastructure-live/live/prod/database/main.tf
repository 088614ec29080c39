data "terraform_remote_state" "network" {
  backend = "local"

  config = {
    path = "../../../.state/prod/live/prod/network.tfstate"
  }
}

module "database" {
  source = "git::https://github.com/acme/infrastructure-modules.git//modules/rds?ref=v1.2.0"

  name           = "orders-prod"
  instance_class = "db.r8g.large"
  subnet_ids     = data.terraform_remote_state.network.outputs.private_subnet_ids
}

output "endpoint" {
  description = "Address and port of the database."
  value       = module.database.endpoint
}
