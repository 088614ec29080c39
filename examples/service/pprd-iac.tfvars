# As service.tfvars says.
