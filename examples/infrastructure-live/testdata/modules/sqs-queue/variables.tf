variable "name" {
  description = "Name of the queue."
  type        = string
}

variable "max_receive_count" {
  description = "How often a message is tried before it goes to the dead letters."
  type        = number
  default     = 5
}
