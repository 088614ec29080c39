output "url" {
  description = "URL of the queue."
  value       = aws_sqs_queue.this.url
}

output "arn" {
  description = "ARN of the queue."
  value       = aws_sqs_queue.this.arn
}

output "parameters" {
  description = "Names of the SSM parameters, by what they hold."
  value       = { for key, parameter in aws_ssm_parameter.this : key => parameter.name }
}
