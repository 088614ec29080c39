# METADATA
# title: DAX clusters and Firehose streams are encrypted at rest
# description: Both are off unless they are asked for.
# custom:
#   id: stream-and-cache-encrypted
#   severity: medium
#   remediation: add server_side_encryption { enabled = true }
#   resources:
#     aws_dax_cluster: [server_side_encryption.enabled]
#     aws_kinesis_firehose_delivery_stream: [server_side_encryption.enabled]
package penstock.encryption.server_side

import data.penstock.lib.value

deny contains {"message": "it is not encrypted at rest", "attribute": "server_side_encryption"} if {
	not encrypted
}

encrypted if {
	some block in object.get(input.resource.values, "server_side_encryption", [])
	value.on(block, "enabled")
}
