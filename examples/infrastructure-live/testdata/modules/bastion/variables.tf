variable "vpc_id" {
  description = "ID of the network that the bastion stands in."
  type        = string
}

variable "subnet_id" {
  description = "ID of the subnet that the bastion stands in."
  type        = string
}

variable "ami" {
  description = "Image of the bastion."
  type        = string
}

variable "office_cidrs" {
  description = "Address ranges of the offices that may reach the bastion."
  type        = list(string)
  default     = ["203.0.113.0/24"]
}
