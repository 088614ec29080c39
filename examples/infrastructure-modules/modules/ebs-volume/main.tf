resource "aws_kms_key" "this" {
  description         = "Volumes of ${var.name}"
  enable_key_rotation = true
}

resource "aws_ebs_volume" "this" {
  availability_zone = var.availability_zone
  size              = var.size
  type              = "gp3"
  encrypted         = true
  kms_key_id        = aws_kms_key.this.arn

  tags = {
    Name = var.name
  }
}
