# Instances are different resources: what is said of one is not said of the others.
resource "aws_s3_bucket" "b" {
  for_each      = toset(["a", "b"])
  bucket_prefix = each.key
}
resource "aws_s3_bucket_public_access_block" "only_a" {
  bucket                  = aws_s3_bucket.b["a"].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
resource "aws_s3_bucket" "c" {
  count         = 2
  bucket_prefix = count.index
}
resource "aws_s3_bucket_public_access_block" "c" {
  count                   = 2
  bucket                  = aws_s3_bucket.c[count.index].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
resource "aws_s3_bucket" "d" {
  for_each      = toset(["a", "b"])
  bucket_prefix = each.key
}
resource "aws_s3_bucket_public_access_block" "d" {
  for_each                = aws_s3_bucket.d
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
resource "aws_s3_bucket_public_access_block" "b_too" {
  for_each                = toset(["b"])
  bucket                  = aws_s3_bucket.b[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = each.key == "b"
}
resource "aws_s3_bucket" "single" {
  count = 1
}
resource "aws_s3_bucket_public_access_block" "single" {
  bucket                  = one(aws_s3_bucket.single[*].id)
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
resource "aws_s3_bucket_public_access_block" "single2" {
  bucket                  = aws_s3_bucket.single[0].bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
module "m" {
  for_each = toset(["x", "y"])
  source   = "./m"
  guard    = each.key == "x"
}
resource "aws_s3_bucket" "half" {
  for_each = toset(["a", "b"])
}
resource "aws_s3_bucket_public_access_block" "half" {
  bucket                  = aws_s3_bucket.half["a"].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
resource "aws_s3_bucket_server_side_encryption_configuration" "half" {
  bucket = aws_s3_bucket.half["b"].id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}
