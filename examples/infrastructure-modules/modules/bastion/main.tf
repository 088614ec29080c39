resource "aws_security_group" "bastion" {
  name        = "bastion"
  description = "The one door for SSH"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "office" {
  for_each = toset(var.office_cidrs)

  security_group_id = aws_security_group.bastion.id
  description       = "SSH from an office"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

resource "aws_security_group" "ssh" {
  name        = "ssh-from-bastion"
  description = "For hosts that are reached through the bastion"
  vpc_id      = var.vpc_id

  ingress {
    description     = "SSH from the bastion"
    protocol        = "tcp"
    from_port       = 22
    to_port         = 22
    security_groups = [aws_security_group.bastion.id]
  }
}

resource "aws_instance" "bastion" {
  ami                    = var.ami
  instance_type          = "t3.micro"
  subnet_id              = var.subnet_id
  vpc_security_group_ids = [aws_security_group.bastion.id]

  metadata_options {
    http_tokens = "required"
  }

  root_block_device {
    encrypted = true
  }

  tags = {
    Name = "bastion"
  }
}
