# Runs without an account: terraform test, in the module's directory.
mock_provider "aws" {}

run "dead_letters_are_kept" {
  command = plan

  variables {
    name = "orders"
  }

  assert {
    condition     = aws_sqs_queue.dead.name == "orders-dead" && aws_sqs_queue.dead.message_retention_seconds == 1209600
    error_message = "dead letters are not kept for two weeks"
  }

  assert {
    condition     = aws_sqs_queue.this.sqs_managed_sse_enabled && aws_sqs_queue.dead.sqs_managed_sse_enabled
    error_message = "a queue is not encrypted"
  }
}
