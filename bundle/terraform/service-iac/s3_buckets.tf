module "s3_buckets" {
  source   = "../modules/s3-bucket"
  for_each = var.s3_buckets

  environment     = var.environment
  service         = var.service
  name            = each.key
  account         = var.account
  partition       = local.partition
  expire_days     = each.value.expire_days
  noncurrent_days = each.value.noncurrent_days
}
