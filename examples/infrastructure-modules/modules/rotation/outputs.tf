output "generation" {
  description = "Changes with each rotation: what a secret's keepers refer to."
  value       = terraform_data.generation.id
}

output "until" {
  description = "When the next rotation is due, in RFC 3339."
  value       = time_rotating.this.rotation_rfc3339
}
