sqs_queues = {
  orders = { retention = 1209600 }
}
