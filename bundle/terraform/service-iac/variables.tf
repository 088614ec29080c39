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

variable "vpc_id" {
  description = "Network of the environment, for what is in one: databases, volumes and security groups."
  type        = string
  default     = null
}

variable "subnet_ids" {
  description = "Private subnets of the environment, in different zones, for databases and volumes."
  type        = list(string)
  default     = []
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

variable "rds_clusters" {
  description = "Aurora clusters by name."
  type = map(object({
    access              = optional(list(string), [])
    engine              = optional(string, "aurora-postgresql")
    engine_version      = string
    instance_class      = optional(string, "db.t4g.medium")
    instances           = optional(number, 2)
    database            = optional(string)
    backup_days         = optional(number, 14)
    deletion_protection = optional(bool)
    grants = optional(map(object({
      service        = string
      cidr           = optional(string)
      security_group = optional(string)
      reason         = string
      expires        = string
    })), {})
  }))
  default = {}
}

variable "s3_buckets" {
  description = "Buckets by name, private and encrypted."
  type = map(object({
    access          = optional(list(string), [])
    expire_days     = optional(number)
    noncurrent_days = optional(number, 90)
  }))
  default = {}
}

variable "dynamodb_tables" {
  description = "Tables by name, billed by request."
  type = map(object({
    access     = optional(list(string), [])
    hash_key   = string
    range_key  = optional(string)
    attributes = optional(map(string), {})
    indexes = optional(map(object({
      hash_key  = string
      range_key = optional(string)
    })), {})
    ttl_attribute       = optional(string)
    deletion_protection = optional(bool)
  }))
  default = {}
}

variable "efs_volumes" {
  description = "Shared file systems by name."
  type = map(object({
    access = optional(list(string), [])
    posix = optional(object({
      user  = optional(number, 1000)
      group = optional(number, 1000)
    }), {})
  }))
  default = {}
}

variable "security_groups" {
  description = "Security groups of the service by name: nothing comes in or goes out but what is granted here."
  type = map(object({
    ingress = optional(map(object({
      service        = string
      cidr           = optional(string)
      security_group = optional(string)
      port           = number
      protocol       = optional(string, "tcp")
      reason         = string
      expires        = string
    })), {})
    egress = optional(map(object({
      cidr           = optional(string)
      security_group = optional(string)
      prefix_list    = optional(string)
      port           = number
      protocol       = optional(string, "tcp")
      reason         = string
    })), {})
  }))
  default = {}
}
