data "terraform_remote_state" "network" {
  backend = "local"

  config = {
    path = "../../../.state/pprd/live/pprd/network.tfstate"
  }
}

module "database" {
  source = "git::https://github.com/acme/infrastructure-modules.git//modules/rds?ref=v1.2.0"

  name           = "orders-pprd"
  instance_class = "db.t4g.medium"
  subnet_ids     = data.terraform_remote_state.network.outputs.private_subnet_ids
}

output "endpoint" {
  description = "Address and port of the database."
  value       = module.database.endpoint
}
