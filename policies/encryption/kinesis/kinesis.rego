# METADATA
# title: Streams are encrypted at rest
# description: A stream keeps up to a year of events.
# custom:
#   id: kinesis-encrypted
#   severity: medium
#   remediation: set encryption_type = "KMS" and kms_key_id
#   resources:
#     aws_kinesis_stream: [encryption_type]
package penstock.encryption.kinesis

deny contains {"message": "the stream is not encrypted", "attribute": "encryption_type"} if {
	object.get(input.resource.values, "encryption_type", "NONE") != "KMS"
}
