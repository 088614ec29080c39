resource "aws_efs_file_system" "this" {
  creation_token  = "${var.environment}-${var.service}-${var.name}"
  encrypted       = true
  throughput_mode = "elastic"
  tags            = merge(var.tags, { Name = "${var.environment}-${var.service}-${var.name}" })

  lifecycle_policy {
    transition_to_ia = "AFTER_30_DAYS"
  }

  lifecycle_policy {
    transition_to_primary_storage_class = "AFTER_1_ACCESS"
  }
}

resource "aws_efs_backup_policy" "this" {
  file_system_id = aws_efs_file_system.this.id

  backup_policy {
    status = "ENABLED"
  }
}

resource "aws_efs_access_point" "this" {
  file_system_id = aws_efs_file_system.this.id
  tags           = merge(var.tags, { Name = "${var.environment}-${var.service}-${var.name}" })

  posix_user {
    uid = var.posix.user
    gid = var.posix.group
  }

  root_directory {
    path = "/${var.name}"

    creation_info {
      owner_uid   = var.posix.user
      owner_gid   = var.posix.group
      permissions = "0750"
    }
  }
}

resource "aws_efs_mount_target" "this" {
  for_each = toset(var.subnet_ids)

  file_system_id  = aws_efs_file_system.this.id
  subnet_id       = each.value
  security_groups = [aws_security_group.this.id]
}

# A file system with a policy is closed to all that it does not name: without a
# word of access nobody mounts it.
resource "aws_efs_file_system_policy" "this" {
  file_system_id = aws_efs_file_system.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "OnlyEncryptedConnections"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "*" # of a denial: everything is the point
        Resource  = aws_efs_file_system.this.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      [
        for word in distinct(var.access) : {
          Sid       = title(word)
          Effect    = "Allow"
          Principal = { AWS = var.role_arn }
          Action    = flatten([for statement in yamldecode(file("${path.module}/contract.yaml")).access[word] : statement.actions])
          Resource  = aws_efs_file_system.this.arn
          Condition = { StringEquals = { "elasticfilesystem:AccessPointArn" = aws_efs_access_point.this.arn } }
        }
      ],
    )
  })
}

resource "aws_ssm_parameter" "this" {
  for_each = {
    file_system_id  = aws_efs_file_system.this.id
    access_point_id = aws_efs_access_point.this.id
  }

  name           = "/${var.environment}/${var.service}/efs_volumes/${var.name}/${each.key}"
  type           = "String"
  insecure_value = each.value # none is a secret, and a plan that shows them can be reviewed
  tags           = var.tags
}
