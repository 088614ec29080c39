variable "name" {
  description = "Name of the volume, as it shows in the console."
  type        = string
}

variable "availability_zone" {
  description = "Zone that the volume is in."
  type        = string
}

variable "size" {
  description = "Size of the volume in GiB."
  type        = number
  default     = 20
}
