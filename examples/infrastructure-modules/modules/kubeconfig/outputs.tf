output "path" {
  description = "Path of the file."
  value       = local_file.this.filename
}
