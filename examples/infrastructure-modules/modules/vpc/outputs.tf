output "vpc_id" {
  description = "ID of the network."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "IDs of the private subnets, one for each zone."
  value       = aws_subnet.private[*].id
}
