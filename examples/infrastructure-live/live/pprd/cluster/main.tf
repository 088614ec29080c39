# This is read from the state, so the network is planned and applied first.
data "terraform_remote_state" "network" {
  backend = "local"

  config = {
    path = "../../../.state/pprd/live/pprd/network.tfstate"
  }
}

module "cluster" {
  source = "git::https://github.com/acme/infrastructure-modules.git//modules/eks-cluster?ref=v1.2.0"

  name = "acme-pprd"
}

module "bastion" {
  source = "git::https://github.com/acme/infrastructure-modules.git//modules/bastion?ref=v1.2.0"

  vpc_id       = data.terraform_remote_state.network.outputs.vpc_id
  subnet_id    = data.terraform_remote_state.network.outputs.private_subnet_ids[0]
  ami          = "ami-0f3a9c1d5b7e2a468"
  office_cidrs = ["203.0.113.0/24"]
}

output "endpoint" {
  description = "Address of the cluster's API."
  value       = module.cluster.endpoint
}
