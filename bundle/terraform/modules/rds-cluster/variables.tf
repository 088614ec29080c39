variable "environment" {
  description = "Name of the environment."
  type        = string
}

variable "service" {
  description = "Name of the service."
  type        = string
}

variable "name" {
  description = "Name of the cluster within the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.name)) && length("${var.environment}-${var.service}-${var.name}") <= 63
    error_message = "The cluster ${var.name}: a name has lower-case letters, digits and -, and its full name ${var.environment}-${var.service}-${var.name} at most 63 characters."
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
    error_message = "The cluster ${var.name} needs a network: set vpc_id in ENVIRONMENT-iac.tfvars."
  }
}

variable "subnet_ids" {
  description = "Private subnets that it is in, in different zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0 && alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "The cluster ${var.name} needs subnets: set subnet_ids in ENVIRONMENT-iac.tfvars."
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
    error_message = "The cluster ${var.name}: allowed words of access are ${join(", ", keys(yamldecode(file("${path.module}/contract.yaml")).access))}."
  }
}

variable "role_arn" {
  description = "Role of the service, which the resource's own policy names: AWS makes the id, so no other policy can be exact."
  type        = string
}

variable "grants" {
  description = "Other services that may connect, by name, each until a date. Default: none."
  type = map(object({
    service        = string
    cidr           = optional(string)
    security_group = optional(string)
    reason         = string
    expires        = string
  }))
  default = {}

  validation {
    condition     = alltrue([for g in values(var.grants) : (g.cidr == null) != (g.security_group == null)])
    error_message = "A grant of grants names either cidr or security_group: ${join(", ", [for name, g in var.grants : name if(g.cidr == null) == (g.security_group == null)])}."
  }

  validation {
    condition     = alltrue([for g in values(var.grants) : g.cidr == null || (can(cidrhost(g.cidr, 0)) && try(tonumber(split("/", g.cidr)[1]) >= 16, false))])
    error_message = "The cidr of a grant is a range of at most a /16, such as 10.1.2.0/24."
  }

  validation {
    condition     = alltrue([for g in values(var.grants) : g.security_group == null || can(regex("^sg-[0-9a-f]+$", g.security_group))])
    error_message = "The security_group of a grant is an id, such as sg-0123456789abcdef0."
  }

  validation {
    condition     = alltrue([for g in values(var.grants) : length(trimspace(g.service)) > 0 && length(trimspace(g.reason)) > 0])
    error_message = "A grant says to which service, and for what reason."
  }

  # A date that lies years ahead is no end: one year is the most.
  validation {
    condition = alltrue([
      for g in values(var.grants) :
      try(timecmp("${g.expires}T23:59:59Z", plantimestamp()) >= 0 && timecmp("${g.expires}T00:00:00Z", timeadd(plantimestamp(), "8784h")) <= 0, false)
    ])
    error_message = "expires of a grant is the last day on which it holds, YYYY-MM-DD, today or within a year. Take out or renew: ${join(", ", [
      for name, g in var.grants : "${name} (${g.service}, ${g.expires})"
      if !try(timecmp("${g.expires}T23:59:59Z", plantimestamp()) >= 0 && timecmp("${g.expires}T00:00:00Z", timeadd(plantimestamp(), "8784h")) <= 0, false)
    ])}."
  }
}

variable "engine" {
  description = "aurora-postgresql or aurora-mysql."
  type        = string
  default     = "aurora-postgresql"

  validation {
    condition     = contains(["aurora-postgresql", "aurora-mysql"], var.engine)
    error_message = "engine is aurora-postgresql or aurora-mysql."
  }
}

variable "engine_version" {
  description = "Version of the engine, such as 16.6 or 8.0.mysql_aurora.3.08.2."
  type        = string

  validation {
    condition     = var.engine == "aurora-postgresql" ? can(regex("^[0-9]+\\.[0-9]+$", var.engine_version)) : can(regex("^[0-9]+\\.[0-9]+\\.mysql_aurora\\.[0-9.]+$", var.engine_version))
    error_message = "engine_version is one of its engine, such as 16.6 for aurora-postgresql and 8.0.mysql_aurora.3.08.2 for aurora-mysql."
  }
}

variable "instance_class" {
  description = "Size of each instance."
  type        = string
  default     = "db.t4g.medium"
}

variable "instances" {
  description = "How many instances: one writes, the others read and stand by."
  type        = number
  default     = 2

  validation {
    condition     = var.instances >= 1 && var.instances <= 16 && floor(var.instances) == var.instances
    error_message = "instances is between 1 and 16."
  }
}

variable "database" {
  description = "Name of the database. Default: the name, with _ for -."
  type        = string
  default     = null
}

variable "backup_days" {
  description = "Days for which backups are kept."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 35
    error_message = "backup_days is between 7 and 35."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the cluster, and take a last snapshot of it when that is lifted."
  type        = bool
  default     = true
}
