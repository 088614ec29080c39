module "network" {
  source = "git::https://github.com/acme/infrastructure-modules.git//modules/vpc?ref=v1.2.0"

  name       = "acme-pprd"
  cidr_block = "10.32.0.0/16"
  zone_count = 2
}

output "vpc_id" {
  description = "ID of the network."
  value       = module.network.vpc_id
}

output "private_subnet_ids" {
  description = "IDs of the private subnets, one for each zone."
  value       = module.network.private_subnet_ids
}
