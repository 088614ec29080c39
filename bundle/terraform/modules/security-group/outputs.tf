output "id" {
  description = "Id of the security group."
  value       = aws_security_group.this.id
}

output "parameters" {
  description = "Names of the SSM parameters, by what they hold."
  value       = { for key, parameter in aws_ssm_parameter.this : key => parameter.name }
}
