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
