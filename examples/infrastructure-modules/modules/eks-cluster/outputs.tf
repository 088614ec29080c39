output "endpoint" {
  description = "Address of the cluster's API, reached from the network only."
  value       = aws_eks_cluster.this.endpoint
}
