module "sqs_queues" {
  source   = "../modules/sqs-queue"
  for_each = var.sqs_queues

  environment        = var.environment
  service            = var.service
  name               = each.key
  fifo               = each.value.fifo
  visibility_timeout = each.value.visibility_timeout
  retention          = each.value.retention
  max_receives       = each.value.max_receives
}
