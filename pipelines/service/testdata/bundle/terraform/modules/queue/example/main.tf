module "queue" {
  source    = "../"
  name      = "dvlp-orders-events"
  fifo      = false
  retention = 60
}
