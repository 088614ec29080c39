# Runs without an account: terraform test, in the module's directory.
mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = {
      json = "{}"
    }
  }
}

run "only_its_queues" {
  command = plan

  variables {
    name       = "orders"
    queue_arns = ["arn:aws:sqs:eu-west-1:000000000000:orders"]
  }

  assert {
    condition     = toset(data.aws_iam_policy_document.queues.statement[0].resources) == toset(var.queue_arns)
    error_message = "the role reaches queues that are not its own"
  }

  assert {
    condition     = aws_iam_role.this.name == "service-orders"
    error_message = "the role has another name than its service"
  }
}
