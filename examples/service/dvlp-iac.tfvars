# A message that nobody takes is gone after a day.
sqs_queues = {
  orders = { retention = 86400 }
}
