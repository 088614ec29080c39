module "@TYPE@" {
  source   = "../modules/@MODULE@"
  for_each = var.@TYPE@

  environment = var.environment
  service     = var.service
  name        = each.key
}
