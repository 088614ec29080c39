// Package terraform holds the stages that ask whether Terraform code is
// formatted and valid. OpenTofu works in Terraform's place.
package terraform
