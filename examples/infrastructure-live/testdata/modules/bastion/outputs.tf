output "ssh_security_group_id" {
  description = "ID of the security group for hosts that are reached through the bastion."
  value       = "sg-${random_id.ssh.hex}"
}
