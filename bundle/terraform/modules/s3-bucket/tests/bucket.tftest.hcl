mock_provider "aws" {}

variables {
  environment = "pprd"
  service     = "shop"
  name        = "invoices"
  account     = "123456789012"
}

run "private_and_versioned" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this.bucket == "pprd-shop-invoices-123456789012"
    error_message = "the name is not the one that service-iam grants"
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this.restrict_public_buckets && aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "the bucket can be made public, or keeps no old versions"
  }

  assert {
    condition     = aws_ssm_parameter.this["bucket"].name == "/pprd/shop/s3_buckets/invoices/bucket"
    error_message = "the parameter is not where helm-values looks"
  }
}

run "name_over_63_characters" {
  command = plan

  variables {
    name = "invoices-of-all-the-customers-that-there-are"
  }

  expect_failures = [var.name]
}
