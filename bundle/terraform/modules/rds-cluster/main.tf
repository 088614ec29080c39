locals {
  full_name = "${var.environment}-${var.service}-${var.name}"
  database  = coalesce(var.database, replace(var.name, "-", "_"))
  postgres  = var.engine == "aurora-postgresql"
  port      = local.postgres ? 5432 : 3306
  family    = local.postgres ? "aurora-postgresql${split(".", var.engine_version)[0]}" : "aurora-mysql${join(".", slice(split(".", var.engine_version), 0, 2))}"
}

resource "aws_db_subnet_group" "this" {
  name        = local.full_name
  description = "Of the database ${var.name} of ${var.service}"
  subnet_ids  = var.subnet_ids
  tags        = var.tags
}

# Connections without TLS are refused by the database itself.
resource "aws_rds_cluster_parameter_group" "this" {
  name        = local.full_name
  description = "Of the database ${var.name} of ${var.service}"
  family      = local.family
  tags        = var.tags

  parameter {
    name  = local.postgres ? "rds.force_ssl" : "require_secure_transport"
    value = local.postgres ? "1" : "ON"
  }
}

resource "aws_rds_cluster" "this" {
  cluster_identifier              = local.full_name
  engine                          = var.engine
  engine_version                  = var.engine_version
  database_name                   = local.database
  port                            = local.port
  master_username                 = "penstock"
  manage_master_user_password     = true # so that no state and no plan has ever seen it
  storage_encrypted               = true
  db_subnet_group_name            = aws_db_subnet_group.this.name
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.this.name
  vpc_security_group_ids          = [aws_security_group.this.id]
  backup_retention_period         = var.backup_days
  copy_tags_to_snapshot           = true
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = !var.deletion_protection
  final_snapshot_identifier       = var.deletion_protection ? "${local.full_name}-final" : null
  tags                            = var.tags
}

resource "aws_rds_cluster_instance" "this" {
  count = var.instances

  identifier                 = "${local.full_name}-${count.index}"
  cluster_identifier         = aws_rds_cluster.this.id
  engine                     = aws_rds_cluster.this.engine
  engine_version             = aws_rds_cluster.this.engine_version
  instance_class             = var.instance_class
  publicly_accessible        = false
  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true
  tags                       = var.tags
}

resource "aws_secretsmanager_secret_policy" "this" {
  count = length(var.access) > 0 ? 1 : 0

  secret_arn = aws_rds_cluster.this.master_user_secret[0].secret_arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for word in distinct(var.access) : {
        Sid       = title(word)
        Effect    = "Allow"
        Principal = { AWS = var.role_arn }
        Action    = flatten([for statement in yamldecode(file("${path.module}/contract.yaml")).access[word] : statement.actions])
        Resource  = aws_rds_cluster.this.master_user_secret[0].secret_arn
      }
    ]
  })
}

resource "aws_ssm_parameter" "this" {
  for_each = {
    endpoint        = aws_rds_cluster.this.endpoint
    reader_endpoint = aws_rds_cluster.this.reader_endpoint
    port            = tostring(local.port)
    database        = local.database
    secret_arn      = aws_rds_cluster.this.master_user_secret[0].secret_arn
  }

  name           = "/${var.environment}/${var.service}/rds_clusters/${var.name}/${each.key}"
  type           = "String"
  insecure_value = each.value # none is a secret, and a plan that shows them can be reviewed
  tags           = var.tags
}
