run "plans" {
  command = plan

  variables {
    name      = "dvlp-orders-events"
    fifo      = false
    retention = 60
  }

  assert {
    condition     = terraform_data.queue.input.name == "dvlp-orders-events"
    error_message = "the queue has another name"
  }
}
