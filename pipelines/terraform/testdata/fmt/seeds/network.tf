# The network of one environment.
locals {
  name   = "${var.project}-${var.environment}"
  zones  = slice(data.aws_availability_zones.available.names, 0, 3)
  public = { for i, zone in local.zones : zone => cidrsubnet(var.cidr, 4, i) }
  tags = merge(var.tags, {
    Name        = local.name # shown in the console
    Environment = var.environment
  })
}

data "aws_availability_zones" "available" {
  state = "available"
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = local.tags
}

resource "aws_subnet" "public" {
  for_each = local.public

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = merge(local.tags, { "kubernetes.io/role/elb" = "1" })

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [tags["created"], availability_zone]
  }
}

resource "aws_network_acl" "public" {
  vpc_id     = aws_vpc.this.id
  subnet_ids = [for s in aws_subnet.public : s.id if s.map_public_ip_on_launch]

  dynamic "ingress" {
    for_each = { for index, rule in var.rules : index => rule }
    iterator = it
    content {
      rule_no    = 100 + it.key * 10
      action     = it.value.allow ? "allow" : "deny"
      cidr_block = it.value.cidr
      protocol   = "tcp"
      from_port  = it.value.port
      to_port    = it.value.port
    }
  }
}
