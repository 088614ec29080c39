variable "environment" {
  description = "Name of the environment."
  type        = string
}

variable "service" {
  description = "Name of the service."
  type        = string
}

variable "name" {
  description = "Name of the table within the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.name)) && length("${var.environment}-${var.service}-${var.name}") <= 255
    error_message = "The table ${var.name}: a name has lower-case letters, digits and -, and its full name ${var.environment}-${var.service}-${var.name} at most 255 characters."
  }
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  default     = {}
}

variable "hash_key" {
  description = "Attribute by which items are spread."
  type        = string
}

variable "range_key" {
  description = "Attribute by which items of one hash key are sorted."
  type        = string
  default     = null
}

variable "attributes" {
  description = "Types of key attributes that are no text: N for numbers, B for bytes."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, type in var.attributes : contains(["S", "N", "B"], type)])
    error_message = "The type of an attribute is S, N or B."
  }
}

variable "indexes" {
  description = "Global secondary indexes by name; they hold every attribute."
  type        = map(object({ hash_key = string, range_key = optional(string) }))
  default     = {}
}

variable "ttl_attribute" {
  description = "Attribute that holds when an item may be deleted, in seconds since 1970."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Refuse to delete the table."
  type        = bool
  default     = true
}
