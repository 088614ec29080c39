variable "days" {
  description = "Days after which a secret is to be made anew."
  type        = number
  default     = 90

  validation {
    condition     = var.days >= 1 && var.days <= 365
    error_message = "A secret lives from one day to a year."
  }
}

variable "reason" {
  description = "Why it is made anew before its time; another text is another generation."
  type        = string
  default     = ""
}

variable "penstock_run" {
  description = "Run that made it, where a test did."
  type        = string
  default     = ""
}
