variable "cluster" {
  description = "Cluster to connect to: its name, the URL of its API, and its certificate authority in base64."
  type = object({
    name                  = string
    endpoint              = string
    certificate_authority = string
  })

  validation {
    condition     = startswith(var.cluster.endpoint, "https://")
    error_message = "The endpoint has to begin with https://."
  }
}

variable "directory" {
  description = "Directory to write the file into."
  type        = string
}

variable "namespace" {
  description = "Namespace that is current in the file."
  type        = string
  default     = "default"
}

variable "penstock_run" {
  description = "Run that made the file, where a test did."
  type        = string
  default     = ""
}
