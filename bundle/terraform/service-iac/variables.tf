variable "environment" {
  description = "Name of the environment."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.environment))
    error_message = "environment has lower-case letters, digits and -."
  }
}

variable "service" {
  description = "Name of the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.service))
    error_message = "service has lower-case letters, digits and -."
  }
}

variable "account" {
  description = "Account of AWS, 12 digits; credentials of another are refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "account has 12 digits, in quotes."
  }
}

variable "region" {
  description = "Region of AWS."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is one of AWS, such as eu-west-1."
  }
}

variable "owner" {
  description = "The squad that answers for the service."
  type        = string
}

variable "tags" {
  description = "Further tags of everything here."
  type        = map(string)
  default     = {}
}

variable "sqs_queues" {
  description = "Queues by name, each with a dead-letter queue."
  type = map(object({
    access             = optional(list(string), [])
    fifo               = optional(bool, false)
    visibility_timeout = optional(number, 30)
    retention          = optional(number, 345600)
    max_receives       = optional(number, 5)
  }))
  default = {}
}
