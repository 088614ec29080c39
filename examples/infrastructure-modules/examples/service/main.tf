provider "aws" {
  region = "eu-west-1"
}

module "queue" {
  source = "../../modules/sqs-queue"

  name = "orders"
}

module "role" {
  source = "../../modules/service-iam-role"

  name       = "orders"
  queue_arns = [module.queue.arn]
}
