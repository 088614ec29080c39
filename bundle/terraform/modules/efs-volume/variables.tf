variable "environment" {
  description = "Name of the environment."
  type        = string
}

variable "service" {
  description = "Name of the service."
  type        = string
}

variable "name" {
  description = "Name of the volume within the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.name)) && length("${var.environment}-${var.service}-${var.name}") <= 200
    error_message = "The volume ${var.name}: a name has lower-case letters, digits and -, and its full name ${var.environment}-${var.service}-${var.name} at most 200 characters."
  }
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  default     = {}
}

variable "vpc_id" {
  description = "Network that it is in."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "The volume ${var.name} needs a network: set vpc_id in ENVIRONMENT-iac.tfvars."
  }
}

variable "subnet_ids" {
  description = "Private subnets that it is in, in different zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0 && alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "The volume ${var.name} needs subnets: set subnet_ids in ENVIRONMENT-iac.tfvars."
  }
}

variable "clients" {
  description = "Security groups of the service itself, by name: they may connect."
  type        = map(string)
  default     = {}
}

variable "access" {
  description = "Words of access that the service asks for: see contract.yaml."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for word in var.access : contains(keys(yamldecode(file("${path.module}/contract.yaml")).access), word)])
    error_message = "The volume ${var.name}: allowed words of access are ${join(", ", keys(yamldecode(file("${path.module}/contract.yaml")).access))}."
  }
}

variable "role_arn" {
  description = "Role of the service, which the resource's own policy names: AWS makes the id, so no other policy can be exact."
  type        = string
}

variable "posix" {
  description = "User and group to whom every file belongs."
  type        = object({ user = optional(number, 1000), group = optional(number, 1000) })
  default     = {}

  validation {
    condition     = var.posix.user > 0 && var.posix.group > 0
    error_message = "The user and the group of a volume are not root."
  }
}
