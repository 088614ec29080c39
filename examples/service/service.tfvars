# What the service needs, in every environment.
sqs_queues = {
  orders = { access = ["publish", "consume"] }
}

s3_buckets = {
  invoices = { access = ["read", "write"] }
}
