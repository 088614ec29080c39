# METADATA
# title: Topics are encrypted at rest
# description: A topic without a key keeps its messages readable until they are delivered.
# custom:
#   id: sns-encrypted
#   severity: medium
#   remediation: set kms_master_key_id
#   resources:
#     aws_sns_topic: [kms_master_key_id]
#   references: [kms_master_key_id]
package penstock.encryption.sns

import data.penstock.lib.value

deny contains {"message": "the topic is not encrypted", "attribute": "kms_master_key_id"} if {
	value.unset(input.resource.values, "kms_master_key_id")
}
