module "efs_volumes" {
  source   = "../modules/efs-volume"
  for_each = var.efs_volumes

  environment = var.environment
  service     = var.service
  name        = each.key
  vpc_id      = var.vpc_id
  subnet_ids  = var.subnet_ids
  clients     = { for name, group in module.security_groups : name => group.id }
  role_arn    = local.role_arn
  access      = each.value.access
  posix       = each.value.posix
}
