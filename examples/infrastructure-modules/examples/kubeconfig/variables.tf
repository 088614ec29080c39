variable "directory" {
  description = "Directory to write the file into."
  type        = string
  default     = "generated"
}

variable "namespace" {
  description = "Namespace that is current in the file."
  type        = string
}

variable "penstock_run" {
  description = "Run that made the file, where a test did."
  type        = string
  default     = ""
}
