module "security_groups" {
  source   = "../modules/security-group"
  for_each = var.security_groups

  environment = var.environment
  service     = var.service
  name        = each.key
  vpc_id      = var.vpc_id
  ingress     = each.value.ingress
  egress      = each.value.egress
}
