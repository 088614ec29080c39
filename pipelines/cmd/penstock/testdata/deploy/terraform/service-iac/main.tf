locals {
  parameters = merge(
    merge([for name, queue in var.sqs_queues : {
      "sqs_queues/${name}/url"             = "https://sqs.example.com/${var.environment}-${var.service}-${name}"
      "sqs_queues/${name}/arn"             = "arn:aws:sqs:${var.region}:${var.account}:${var.environment}-${var.service}-${name}"
      "sqs_queues/${name}/dead_letter_url" = "https://sqs.example.com/${var.environment}-${var.service}-${name}-dlq"
    }]...),
    merge([for name, bucket in var.s3_buckets : {
      "s3_buckets/${name}/bucket" = "${var.environment}-${var.service}-${name}-${var.account}"
      "s3_buckets/${name}/arn"    = "arn:aws:s3:::${var.environment}-${var.service}-${name}-${var.account}"
    }]...),
  )
}

resource "terraform_data" "parameter" {
  for_each = local.parameters
  input    = each.value

  provisioner "local-exec" {
    command = <<-EOT
      mkdir -p "$(dirname 'PARAMETERS/${var.environment}/${var.service}/${each.key}')"
      printf %s '${each.value}' > 'PARAMETERS/${var.environment}/${var.service}/${each.key}'
    EOT
  }
}

resource "terraform_data" "queue" {
  for_each = var.sqs_queues
  input    = { name = "${var.environment}-${var.service}-${each.key}", retention = each.value.retention }
}

# An apply takes as long as there is a file hold.
resource "terraform_data" "held" {
  depends_on = [terraform_data.parameter]

  provisioner "local-exec" {
    command = "while test -e PARAMETERS/hold; do touch PARAMETERS/holding; sleep 0.1; done"
  }
}
