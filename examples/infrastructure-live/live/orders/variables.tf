variable "environment" {
  description = "Environment that the service runs in."
  type        = string
}

variable "max_receive_count" {
  description = "How often a message is tried before it goes to the dead letters."
  type        = number
}
