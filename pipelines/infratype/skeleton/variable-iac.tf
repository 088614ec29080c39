
variable "@TYPE@" {
  description = "Say what they are, by name."
  type = map(object({
    access = optional(list(string), [])
  }))
  default = {}
}
