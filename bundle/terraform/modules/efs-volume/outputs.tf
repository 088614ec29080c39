output "file_system_id" {
  description = "Id of the file system."
  value       = aws_efs_file_system.this.id
}

output "parameters" {
  description = "Names of the SSM parameters, by what they hold."
  value       = { for key, parameter in aws_ssm_parameter.this : key => parameter.name }
}
