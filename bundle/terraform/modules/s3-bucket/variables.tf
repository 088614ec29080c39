variable "environment" {
  description = "Name of the environment."
  type        = string
}

variable "service" {
  description = "Name of the service."
  type        = string
}

variable "name" {
  description = "Name of the bucket within the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.name)) && length("${var.environment}-${var.service}-${var.name}-${var.account}") <= 63
    error_message = "The bucket ${var.name}: a name has lower-case letters, digits and -, and its full name ${var.environment}-${var.service}-${var.name}-${var.account} at most 63 characters."
  }
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  default     = {}
}

variable "account" {
  description = "Account of AWS: it makes the name unique in the world."
  type        = string
}

variable "partition" {
  description = "Partition of AWS."
  type        = string
  default     = "aws"
}

variable "expire_days" {
  description = "Days after which an object is deleted. Default: never."
  type        = number
  default     = null
}

variable "noncurrent_days" {
  description = "Days for which an object that was overwritten or deleted can be had back."
  type        = number
  default     = 90

  validation {
    condition     = var.noncurrent_days >= 7
    error_message = "noncurrent_days is 7 or more: it is the bucket's backup."
  }
}
