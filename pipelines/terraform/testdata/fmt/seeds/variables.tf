variable "project" {
  type        = string
  description = "The project's name"
}

variable "environment" {
  type    = string
  default = "dvlp"

  validation {
    condition     = contains(["dvlp", "pprd", "prod"], var.environment)
    error_message = "The environment is dvlp, pprd or prod."
  }
}

variable "cidr" { type = string }

variable "tags" {
  type    = map(string)
  default = {}
}

variable "rules" {
  type = list(object({
    port  = number
    cidr  = optional(string, "10.0.0.0/8")
    allow = optional(bool, true)
  }))
  default = [
    { port = 443, cidr = "0.0.0.0/0" },
    {
      port  = 8443
      cidr  = "10.0.0.0/8"
      allow = false
    },
  ]
}

variable "anything" {
  type = any
}
