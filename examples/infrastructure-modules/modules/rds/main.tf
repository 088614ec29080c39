resource "aws_kms_key" "this" {
  description         = "Database ${var.name}"
  enable_key_rotation = true
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_db_instance" "this" {
  identifier                  = var.name
  engine                      = "postgres"
  engine_version              = "17"
  instance_class              = var.instance_class
  allocated_storage           = 20
  db_subnet_group_name        = aws_db_subnet_group.this.name
  storage_encrypted           = true
  kms_key_id                  = aws_kms_key.this.arn
  username                    = "owner"
  manage_master_user_password = true
  publicly_accessible         = false
  deletion_protection         = true
  backup_retention_period     = 14
  final_snapshot_identifier   = "${var.name}-final"
}
