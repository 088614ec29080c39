# Without a rule it lets nothing in and nothing out.
resource "aws_security_group" "this" {
  name        = "${var.environment}-${var.service}-${var.name}"
  description = "Of the service ${var.service} in ${var.environment}"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.environment}-${var.service}-${var.name}" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = var.ingress

  security_group_id            = aws_security_group.this.id
  description                  = substr(replace("${each.value.service} until ${each.value.expires}: ${each.value.reason}", "/[^A-Za-z0-9 ._:/()#,@+=;{}!$*-]/", "."), 0, 255)
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.port
  to_port                      = each.value.port
  cidr_ipv4                    = each.value.cidr
  referenced_security_group_id = each.value.security_group
  tags                         = merge(var.tags, { granted-to = each.value.service, expires = each.value.expires })
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = var.egress

  security_group_id            = aws_security_group.this.id
  description                  = substr(replace(each.value.reason, "/[^A-Za-z0-9 ._:/()#,@+=;{}!$*-]/", "."), 0, 255)
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.port
  to_port                      = each.value.port
  cidr_ipv4                    = each.value.cidr
  referenced_security_group_id = each.value.security_group
  prefix_list_id               = each.value.prefix_list
  tags                         = var.tags
}

resource "aws_ssm_parameter" "this" {
  for_each = {
    id = aws_security_group.this.id
  }

  name           = "/${var.environment}/${var.service}/security_groups/${var.name}/${each.key}"
  type           = "String"
  insecure_value = each.value # none is a secret, and a plan that shows them can be reviewed
  tags           = var.tags
}
