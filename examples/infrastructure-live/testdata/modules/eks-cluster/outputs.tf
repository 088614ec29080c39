output "endpoint" {
  description = "Address of the cluster's API, reached from the network only."
  value       = "https://${upper(random_id.cluster.hex)}.eks.example.invalid"
}
