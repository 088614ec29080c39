output "vpc_id" {
  description = "ID of the network."
  value       = "vpc-${random_id.vpc.hex}"
}

output "private_subnet_ids" {
  description = "IDs of the private subnets, one for each zone."
  value       = [for s in random_id.subnet : "subnet-${s.hex}"]
}
