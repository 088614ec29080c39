variable "name" {
  description = "Name of the cluster and of its network."
  type        = string
}

variable "kubernetes_version" {
  description = "Version of Kubernetes."
  type        = string
  default     = "1.34"
}
