# METADATA
# title: Tables are encrypted with a key of KMS
# description: Without the block a table is encrypted with a key of AWS that nobody can audit or withdraw.
# custom:
#   id: dynamodb-encrypted
#   severity: medium
#   remediation: add server_side_encryption { enabled = true }
#   resources:
#     aws_dynamodb_table: [server_side_encryption.enabled]
package penstock.encryption.dynamodb

import data.penstock.lib.value

deny contains {"message": "the table is not encrypted with a key of KMS", "attribute": "server_side_encryption"} if {
	not encrypted
}

encrypted if {
	some block in object.get(input.resource.values, "server_side_encryption", [])
	value.on(block, "enabled")
}
