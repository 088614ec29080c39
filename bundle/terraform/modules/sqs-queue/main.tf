locals {
  full_name = "${var.environment}-${var.service}-${var.name}"
  suffix    = var.fifo ? ".fifo" : ""
}

# Messages that could not be processed are kept as long as SQS keeps any: they are
# looked at by people, who sleep and have holidays.
resource "aws_sqs_queue" "dead_letter" {
  name                      = "${local.full_name}-dlq${local.suffix}"
  fifo_queue                = var.fifo
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}

resource "aws_sqs_queue" "this" {
  name                        = "${local.full_name}${local.suffix}"
  fifo_queue                  = var.fifo
  content_based_deduplication = var.fifo
  visibility_timeout_seconds  = var.visibility_timeout
  message_retention_seconds   = var.retention
  receive_wait_time_seconds   = 20
  sqs_managed_sse_enabled     = true
  tags                        = var.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = var.max_receives
  })
}

# Without it any queue of the account could put its dead letters here: those who read
# them would take them for messages of this one.
resource "aws_sqs_queue_redrive_allow_policy" "this" {
  queue_url = aws_sqs_queue.dead_letter.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this.arn]
  })
}

resource "aws_ssm_parameter" "this" {
  for_each = {
    url             = aws_sqs_queue.this.url
    arn             = aws_sqs_queue.this.arn
    dead_letter_url = aws_sqs_queue.dead_letter.url
  }

  name           = "/${var.environment}/${var.service}/sqs_queues/${var.name}/${each.key}"
  type           = "String"
  insecure_value = each.value # none is a secret, and a plan that shows them can be reviewed
  tags           = var.tags
}
