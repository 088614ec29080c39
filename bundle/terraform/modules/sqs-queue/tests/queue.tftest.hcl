mock_provider "aws" {}

variables {
  environment = "pprd"
  service     = "shop"
  name        = "orders"
}

run "encrypted_with_a_dead_letter_queue" {
  command = plan

  assert {
    condition     = aws_sqs_queue.this.sqs_managed_sse_enabled && aws_sqs_queue.dead_letter.sqs_managed_sse_enabled
    error_message = "a queue is not encrypted"
  }

  assert {
    condition     = aws_sqs_queue.this.name == "pprd-shop-orders" && aws_sqs_queue.dead_letter.name == "pprd-shop-orders-dlq"
    error_message = "the names are not those that service-iam grants"
  }

  assert {
    condition     = aws_ssm_parameter.this["url"].name == "/pprd/shop/sqs_queues/orders/url"
    error_message = "the parameter is not where helm-values looks"
  }
}

# Made of mocked resources: before they are made their ARNs are not known.
run "dead_letters_of_this_queue_alone" {
  assert {
    condition     = aws_sqs_queue_redrive_allow_policy.this.queue_url == aws_sqs_queue.dead_letter.id
    error_message = "the policy is of another queue"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.this.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.this.arn] }
    error_message = "other queues may put their dead letters here: ${aws_sqs_queue_redrive_allow_policy.this.redrive_allow_policy}"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead_letter.arn
    error_message = "dead letters go elsewhere"
  }
}

run "fifo_has_its_suffix" {
  command = plan

  variables {
    fifo = true
  }

  assert {
    condition     = aws_sqs_queue.this.name == "pprd-shop-orders.fifo" && aws_sqs_queue.dead_letter.name == "pprd-shop-orders-dlq.fifo"
    error_message = "the names are not those that AWS wants of FIFO queues"
  }
}

run "name_that_aws_refuses" {
  command = plan

  variables {
    name = "Orders"
  }

  expect_failures = [var.name]
}
