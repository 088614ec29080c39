variable "environment" {
  type = string
}

variable "service" {
  type = string
}

variable "account" {
  type = string
}

variable "region" {
  type = string
}

variable "tags" {
  type    = map(string)
  default = {}
}

variable "engine" {
  type    = string
  default = "16.10"
}

variable "sqs_queues" {
  type = map(object({
    access    = optional(list(string), [])
    fifo      = optional(bool, false)
    retention = optional(number, 60)
    alarms    = optional(list(object({ over = number })), [])
  }))
  default = {}
}
