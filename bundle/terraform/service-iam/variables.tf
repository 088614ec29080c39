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
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.service)) && length("${var.environment}-${var.service}") <= 64
    error_message = "service has lower-case letters, digits and -, and ENVIRONMENT-SERVICE at most 64 characters: it is the role's name."
  }
}

variable "namespace" {
  description = "Namespace of the service in the cluster."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "namespace is a name of Kubernetes without wildcards: lower-case letters, digits and -, at most 63."
  }
}

variable "service_account" {
  description = "Service account of the service in the cluster. Default: the name of the service."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", coalesce(var.service_account, var.service)))
    error_message = "service_account is a name of Kubernetes without wildcards: lower-case letters, digits, - and ."
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

variable "identity" {
  description = "How pods get the role: irsa or pod-identity."
  type        = string
  default     = "irsa"

  validation {
    condition     = contains(["irsa", "pod-identity"], var.identity)
    error_message = "identity is irsa or pod-identity."
  }
}

variable "oidc_provider" {
  description = "Issuer of the cluster without https://, for irsa."
  type        = string
  default     = null

  validation {
    condition     = var.identity != "irsa" || can(regex("^[a-z0-9.-]+(/[A-Za-z0-9._-]+)*$", var.oidc_provider))
    error_message = "irsa needs oidc_provider: the cluster's issuer without https://, such as oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF."
  }
}

variable "cluster" {
  description = "Name of the EKS cluster, for pod-identity."
  type        = string
  default     = null

  validation {
    condition     = var.identity != "pod-identity" || can(regex("^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$", var.cluster))
    error_message = "pod-identity needs cluster: the name of the EKS cluster."
  }
}

variable "boundary" {
  description = "ARN of the policy that bounds what the role may ever do."
  type        = string
  default     = null

  validation {
    condition     = var.boundary == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[^*?]+$", var.boundary))
    error_message = "boundary is the ARN of a policy."
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
  description = "Queues of the service by name, of which only the words of access are read here."
  type        = map(object({ access = optional(list(string), []) }))
  default     = {}
}

variable "rds_clusters" {
  description = "Aurora clusters of the service by name, of which only the words of access are read here."
  type        = map(object({ access = optional(list(string), []) }))
  default     = {}
}

variable "s3_buckets" {
  description = "Buckets of the service by name, of which only the words of access are read here."
  type        = map(object({ access = optional(list(string), []) }))
  default     = {}
}

variable "dynamodb_tables" {
  description = "Tables of the service by name, of which only the words of access are read here."
  type        = map(object({ access = optional(list(string), []) }))
  default     = {}
}

variable "efs_volumes" {
  description = "Shared file systems of the service by name, of which only the words of access are read here."
  type        = map(object({ access = optional(list(string), []) }))
  default     = {}
}

variable "security_groups" {
  description = "Security groups of the service by name, of which only the words of access are read here."
  type        = map(object({ access = optional(list(string), []) }))
  default     = {}
}
