
variable "@TYPE@" {
  description = "The same of service-iac, of which only the words of access are read here."
  type        = map(object({ access = optional(list(string), []) }))
  default     = {}
}
