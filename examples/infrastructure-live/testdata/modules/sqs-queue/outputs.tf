output "arn" {
  description = "ARN of the queue."
  value       = "arn:aws:sqs:eu-west-1:${random_id.account.dec}:${var.name}"
}
