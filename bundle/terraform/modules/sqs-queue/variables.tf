variable "environment" {
  description = "Name of the environment."
  type        = string
}

variable "service" {
  description = "Name of the service."
  type        = string
}

variable "name" {
  description = "Name of the queue within the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.name)) && length("${var.environment}-${var.service}-${var.name}-dlq.fifo") <= 80
    error_message = "The queue ${var.name}: a name has lower-case letters, digits and -, and ENVIRONMENT-SERVICE-NAME at most 71 characters."
  }
}

variable "fifo" {
  description = "Keep the order of messages, and deliver each once."
  type        = bool
  default     = false
}

variable "visibility_timeout" {
  description = "Seconds for which a message that was received is hidden from others."
  type        = number
  default     = 30

  validation {
    condition     = var.visibility_timeout >= 0 && var.visibility_timeout <= 43200
    error_message = "visibility_timeout is between 0 and 43200 seconds."
  }
}

variable "retention" {
  description = "Seconds for which a message is kept."
  type        = number
  default     = 345600

  validation {
    condition     = var.retention >= 60 && var.retention <= 1209600
    error_message = "retention is between 60 and 1209600 seconds (14 days)."
  }
}

variable "max_receives" {
  description = "How often a message is tried before it goes to the dead-letter queue."
  type        = number
  default     = 5

  validation {
    condition     = var.max_receives >= 1 && var.max_receives <= 1000
    error_message = "max_receives is between 1 and 1000."
  }
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  default     = {}
}
