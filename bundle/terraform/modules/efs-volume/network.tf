# Who may connect: the service itself, and those that were granted it by name and until a date.
resource "aws_security_group" "this" {
  name        = "${var.environment}-${var.service}-${var.name}-efs"
  description = "Of the volume ${var.name} of ${var.service}"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.environment}-${var.service}-${var.name}-efs" })
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = var.clients

  security_group_id            = aws_security_group.this.id
  description                  = "The service itself: ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
  referenced_security_group_id = each.value
  tags                         = var.tags
}

resource "aws_vpc_security_group_egress_rule" "client" {
  for_each = var.clients

  security_group_id            = each.value
  description                  = "To the volume ${var.name}"
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
  referenced_security_group_id = aws_security_group.this.id
  tags                         = var.tags
}
