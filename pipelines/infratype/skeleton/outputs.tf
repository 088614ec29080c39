output "parameters" {
  description = "Names of the SSM parameters, by what they hold."
  value       = { for key, parameter in aws_ssm_parameter.this : key => parameter.name }
}
