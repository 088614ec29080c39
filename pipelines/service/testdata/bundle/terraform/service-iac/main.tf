module "sqs_queues" {
  source   = "../modules/queue"
  for_each = var.sqs_queues

  name      = "${var.environment}-${var.service}-${each.key}"
  fifo      = each.value.fifo
  retention = each.value.retention
}
