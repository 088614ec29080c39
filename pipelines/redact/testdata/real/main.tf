terraform {
  required_providers {
    random = { source = "hashicorp/random" }
    local  = { source = "hashicorp/local" }
  }
}
variable "environment" { default = "dvlp" }
variable "password" {
  sensitive = true
  default   = "correct-horse-staple"
}
variable "size" { default = 2 }
resource "random_pet" "name" { prefix = "${var.environment}-orders" }
resource "random_password" "db" { length = 24 }
resource "terraform_data" "db" {
  input            = { name = "${var.environment}-db", password = var.password, size = var.size }
  triggers_replace = var.size
}
removed {
  from = terraform_data.left
  lifecycle { destroy = false }
}
moved {
  from = terraform_data.before
  to   = terraform_data.after
}
resource "terraform_data" "after" { input = "is moved" }
resource "terraform_data" "each" {
  for_each = toset(["blue", "red"])
  input    = "${var.environment}-${each.key}"
}
resource "local_file" "config" {
  filename = "config.json"
  content  = jsonencode({ team = "payments", password = var.password, pet = random_pet.name.id })
}
data "local_file" "lookup" {
  filename = "looked-up.txt"
}
resource "terraform_data" "copy" {
  input = { looked = data.local_file.lookup.content, region = "eu-central-1" }
}
module "child" {
  source = "./child"
  token  = var.password
  label  = "second"
}
output "endpoint" { value = "https://${var.environment}-2.example.com" }
output "secret" { 
  value = var.password
  sensitive = true
}
