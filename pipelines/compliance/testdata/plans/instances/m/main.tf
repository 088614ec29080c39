variable "guard" {}
resource "aws_s3_bucket" "b" {}
resource "aws_s3_bucket_public_access_block" "b" {
  count                   = var.guard ? 1 : 0
  bucket                  = aws_s3_bucket.b.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
output "bucket" { value = aws_s3_bucket.b.id }
