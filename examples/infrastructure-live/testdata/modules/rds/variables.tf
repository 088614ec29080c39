variable "name" {
  description = "Name of the database."
  type        = string
}

variable "subnet_ids" {
  description = "IDs of the private subnets that it stands in."
  type        = list(string)
}

variable "instance_class" {
  description = "Class of the instance."
  type        = string
  default     = "db.t4g.medium"
}
