variables {
  name = "test"
}

mock_provider "aws" {
  override_resource {
    target = aws_vpc.this
    values = { id = "vpc-1" }
  }
}

run "plan" {
  command = plan

  variables {
    cidr = "10.0.0.0/16"
  }

  assert {
    condition     = aws_vpc.this.cidr_block == var.cidr
    error_message = "wrong"
  }
}
