# Stands in for the module of the same name that runs on AWS. Its password is a
# real secret: it is in the state and in every plan, and must be on no page.
resource "random_password" "owner" {
  length  = 24
  special = false
}

resource "time_static" "created" {}

resource "terraform_data" "database" {
  input = {
    name           = var.name
    engine         = "postgres"
    instance_class = var.instance_class
    subnets        = var.subnet_ids
    backup_days    = 14
    created        = time_static.created.rfc3339
    password       = random_password.owner.result
  }
}
