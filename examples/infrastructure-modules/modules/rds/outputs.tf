output "endpoint" {
  description = "Address and port of the database."
  value       = aws_db_instance.this.endpoint
}
