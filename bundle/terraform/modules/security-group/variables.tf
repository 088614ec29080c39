variable "environment" {
  description = "Name of the environment."
  type        = string
}

variable "service" {
  description = "Name of the service."
  type        = string
}

variable "name" {
  description = "Name of the security group within the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.name)) && length("${var.environment}-${var.service}-${var.name}") <= 255
    error_message = "The security group ${var.name}: a name has lower-case letters, digits and -, and its full name ${var.environment}-${var.service}-${var.name} at most 255 characters."
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
    error_message = "The security group ${var.name} needs a network: set vpc_id in ENVIRONMENT-iac.tfvars."
  }
}

variable "ingress" {
  description = "Who may connect to the service, by name. Default: nobody."
  type = map(object({
    service        = string
    cidr           = optional(string)
    security_group = optional(string)
    port           = number
    protocol       = optional(string, "tcp")
    reason         = string
    expires        = string
  }))
  default = {}

  validation {
    condition     = alltrue([for g in values(var.ingress) : (g.cidr == null) != (g.security_group == null)])
    error_message = "A grant of ingress names either cidr or security_group: ${join(", ", [for name, g in var.ingress : name if(g.cidr == null) == (g.security_group == null)])}."
  }

  validation {
    condition     = alltrue([for g in values(var.ingress) : g.cidr == null || (can(cidrhost(g.cidr, 0)) && try(tonumber(split("/", g.cidr)[1]) >= 16, false))])
    error_message = "The cidr of a grant is a range of at most a /16, such as 10.1.2.0/24."
  }

  validation {
    condition     = alltrue([for g in values(var.ingress) : g.security_group == null || can(regex("^sg-[0-9a-f]+$", g.security_group))])
    error_message = "The security_group of a grant is an id, such as sg-0123456789abcdef0."
  }

  validation {
    condition     = alltrue([for g in values(var.ingress) : length(trimspace(g.service)) > 0 && length(trimspace(g.reason)) > 0])
    error_message = "A grant says to which service, and for what reason."
  }

  # A date that lies years ahead is no end: one year is the most.
  validation {
    condition = alltrue([
      for g in values(var.ingress) :
      try(timecmp("${g.expires}T23:59:59Z", plantimestamp()) >= 0 && timecmp("${g.expires}T00:00:00Z", timeadd(plantimestamp(), "8784h")) <= 0, false)
    ])
    error_message = "expires of a grant is the last day on which it holds, YYYY-MM-DD, today or within a year. Take out or renew: ${join(", ", [
      for name, g in var.ingress : "${name} (${g.service}, ${g.expires})"
      if !try(timecmp("${g.expires}T23:59:59Z", plantimestamp()) >= 0 && timecmp("${g.expires}T00:00:00Z", timeadd(plantimestamp(), "8784h")) <= 0, false)
    ])}."
  }
}

variable "egress" {
  description = "Where the service may connect to, by name, beside its own databases and volumes. Default: nowhere."
  type = map(object({
    cidr           = optional(string)
    security_group = optional(string)
    prefix_list    = optional(string)
    port           = number
    protocol       = optional(string, "tcp")
    reason         = string
  }))
  default = {}

  validation {
    condition     = alltrue([for e in values(var.egress) : length([for to in [e.cidr, e.security_group, e.prefix_list] : to if to != null]) == 1])
    error_message = "An entry of egress names one of cidr, security_group and prefix_list."
  }
}
