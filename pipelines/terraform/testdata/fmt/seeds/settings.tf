terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
    random = ">= 3"
  }

  backend "s3" {}
}

provider "aws" {
  region = var.region
  default_tags { tags = local.tags }
}

moved {
  from = aws_vpc.main
  to   = aws_vpc.this
}

import {
  to = aws_vpc.this
  id = "vpc-123"
}

check "health" {
  data "http" "x" {
    url = "https://${var.host}/health"
  }
  assert {
    condition     = data.http.x.status_code == 200
    error_message = "${data.http.x.url} returned ${data.http.x.status_code}"
  }
}
