module "dynamodb_tables" {
  source   = "../modules/dynamodb-table"
  for_each = var.dynamodb_tables

  environment         = var.environment
  service             = var.service
  name                = each.key
  hash_key            = each.value.hash_key
  range_key           = each.value.range_key
  attributes          = each.value.attributes
  indexes             = each.value.indexes
  ttl_attribute       = each.value.ttl_attribute
  deletion_protection = coalesce(each.value.deletion_protection, var.environment != "dvlp")
}
