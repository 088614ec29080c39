module "rds_clusters" {
  source   = "../modules/rds-cluster"
  for_each = var.rds_clusters

  environment         = var.environment
  service             = var.service
  name                = each.key
  vpc_id              = var.vpc_id
  subnet_ids          = var.subnet_ids
  clients             = { for name, group in module.security_groups : name => group.id }
  role_arn            = local.role_arn
  access              = each.value.access
  engine              = each.value.engine
  engine_version      = each.value.engine_version
  instance_class      = each.value.instance_class
  instances           = each.value.instances
  database            = each.value.database
  backup_days         = each.value.backup_days
  deletion_protection = coalesce(each.value.deletion_protection, var.environment != "dvlp")
  grants              = each.value.grants
}
