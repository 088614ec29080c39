output "parameters" {
  description = "Names of the SSM parameters that were written, by type, name and what they hold."
  value = {
    sqs_queues = { for name, resource in module.sqs_queues : name => resource.parameters }
  }
}
