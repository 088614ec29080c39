# METADATA
# title: Queues are encrypted at rest
# description: With the key of SQS or with one of KMS, said in so many words.
# custom:
#   id: sqs-encrypted
#   severity: medium
#   remediation: set sqs_managed_sse_enabled = true, or kms_master_key_id
#   resources:
#     aws_sqs_queue: [sqs_managed_sse_enabled, kms_master_key_id]
#   references: [kms_master_key_id]
package penstock.encryption.sqs

import data.penstock.lib.value

deny contains {"message": "the queue is not encrypted", "attribute": "sqs_managed_sse_enabled"} if {
	not value.on(input.resource.values, "sqs_managed_sse_enabled")
	value.unset(input.resource.values, "kms_master_key_id")
}
