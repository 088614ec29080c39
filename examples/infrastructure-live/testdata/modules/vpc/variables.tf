variable "name" {
  description = "Name of the network, as it shows in the console."
  type        = string
}

variable "cidr_block" {
  description = "Address range of the network."
  type        = string
  default     = "10.0.0.0/16"
}

variable "zone_count" {
  description = "In how many availability zones there are subnets."
  type        = number
  default     = 3
}
