output "role_arn" {
  description = "ARN of the role."
  value       = aws_iam_role.this.arn
}

output "policies" {
  description = "What the role may do: its policies by type, as JSON."
  value       = module.access_policy.policies
}
