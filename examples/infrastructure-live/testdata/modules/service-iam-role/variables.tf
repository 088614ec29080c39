variable "name" {
  description = "Name of the service."
  type        = string
}

variable "queue_arns" {
  description = "ARNs of the queues that the service works on."
  type        = list(string)
  default     = ["arn:aws:sqs:eu-west-1:111122223333:orders"]
}
