output "endpoint" {
  description = "Address and port of the database."
  value       = "${var.name}.${time_static.created.unix}.db.example.invalid:5432"
}
