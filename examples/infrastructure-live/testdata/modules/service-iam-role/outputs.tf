output "arn" {
  description = "ARN of the role."
  value       = "arn:aws:iam::111122223333:role/${random_id.role.hex}"
}
