# What a plan shows badly: unknown members of ingress, which may be an argument or
# blocks, and dynamic blocks, which a plan leaves out of its configuration.
resource "terraform_data" "later" { input = [timestamp()] }
resource "terraform_data" "word" { input = timestamp() }
resource "aws_security_group" "bastion" { name = "bastion" }
resource "aws_security_group" "web" { name = "web" }

resource "aws_security_group" "from_bastion" {
  ingress {
    protocol        = "tcp"
    from_port       = 22
    to_port         = 22
    security_groups = [aws_security_group.bastion.id]
  }
}
resource "aws_security_group" "from_web" {
  ingress {
    protocol        = "tcp"
    from_port       = 22
    to_port         = 22
    security_groups = [aws_security_group.web.id]
  }
}
resource "aws_security_group" "swapped" { # a set is planned in an order of its own
  ingress {
    protocol        = "tcp"
    from_port       = 443
    to_port         = 443
    security_groups = [aws_security_group.bastion.id]
  }
  ingress {
    protocol        = "tcp"
    from_port       = 22
    to_port         = 22
    security_groups = [aws_security_group.web.id]
  }
}
resource "aws_security_group" "half_dynamic" { # only the first block stands in the plan's configuration
  ingress {
    protocol        = "tcp"
    from_port       = 443
    to_port         = 443
    security_groups = [aws_security_group.bastion.id]
  }
  dynamic "ingress" {
    for_each = [aws_security_group.web.id]
    content {
      protocol        = "tcp"
      from_port       = 22
      to_port         = 22
      security_groups = [ingress.value]
    }
  }
}
resource "aws_security_group" "unknown_range" {
  ingress {
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = [terraform_data.later.id]
  }
}
resource "aws_security_group" "unknown_rules" {
  dynamic "ingress" {
    for_each = terraform_data.later.output
    content {
      protocol    = "tcp"
      from_port   = 22
      to_port     = 22
      cidr_blocks = [ingress.value]
    }
  }
}
resource "aws_security_group" "as_argument" {
  ingress = [{
    protocol         = "tcp"
    from_port        = 22
    to_port          = 22
    security_groups  = [aws_security_group.web.id]
    cidr_blocks      = null
    ipv6_cidr_blocks = null
    prefix_list_ids  = null
    self             = false
    description      = ""
  }]
}
resource "aws_launch_template" "unknown_disks" {
  metadata_options {
    http_tokens = "required"
  }
  dynamic "block_device_mappings" {
    for_each = terraform_data.later.output
    content {
      ebs {
        encrypted = false
      }
    }
  }
}
resource "aws_launch_template" "unknown_inside" {
  metadata_options {
    http_tokens = "required"
  }
  block_device_mappings {
    device_name = "/dev/a"
    dynamic "ebs" {
      for_each = terraform_data.later.output
      content {
        encrypted = false
      }
    }
  }
}
resource "aws_sns_topic" "empty_or_not" { # a plan says no more than that the output is in it
  kms_master_key_id = terraform_data.word.output == "x" ? "key" : ""
}
resource "aws_sns_topic" "keyed" {
  kms_master_key_id = aws_kms_key.topics.arn
}
resource "aws_kms_key" "topics" {
  enable_key_rotation = true
}
resource "aws_s3_bucket_policy" "blank" {
  bucket = "b"
  policy = "{}"
}
