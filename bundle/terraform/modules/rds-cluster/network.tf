# Who may connect: the service itself, and those that were granted it by name and until a date.
resource "aws_security_group" "this" {
  name        = "${var.environment}-${var.service}-${var.name}-db"
  description = "Of the database ${var.name} of ${var.service}"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.environment}-${var.service}-${var.name}-db" })
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = var.clients

  security_group_id            = aws_security_group.this.id
  description                  = "The service itself: ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  referenced_security_group_id = each.value
  tags                         = var.tags
}

resource "aws_vpc_security_group_egress_rule" "client" {
  for_each = var.clients

  security_group_id            = each.value
  description                  = "To the database ${var.name}"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  referenced_security_group_id = aws_security_group.this.id
  tags                         = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "grant" {
  for_each = var.grants

  security_group_id            = aws_security_group.this.id
  description                  = substr(replace("${each.value.service} until ${each.value.expires}: ${each.value.reason}", "/[^A-Za-z0-9 ._:/()#,@+=;{}!$*-]/", "."), 0, 255)
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  cidr_ipv4                    = each.value.cidr
  referenced_security_group_id = each.value.security_group
  tags                         = merge(var.tags, { granted-to = each.value.service, expires = each.value.expires })
}
