# Runs without an account: terraform test, in the module's directory.
mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = {
      names = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    }
  }

  mock_data "aws_iam_policy_document" {
    defaults = {
      json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
    }
  }
}

run "a_subnet_in_each_zone" {
  command = plan

  variables {
    name       = "test"
    cidr_block = "10.8.0.0/16"
    zone_count = 2
  }

  assert {
    condition     = length(aws_subnet.private) == 2
    error_message = "there is not one subnet in each zone"
  }

  assert {
    condition     = aws_subnet.private[1].cidr_block == "10.8.16.0/20"
    error_message = "the second subnet does not follow the first"
  }
}

run "everything_is_logged" {
  command = plan

  variables {
    name = "test"
  }

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flow.retention_in_days == 90
    error_message = "some traffic is not logged, or not kept for 90 days"
  }
}
