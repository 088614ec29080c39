# METADATA
# title: Buckets say how they are encrypted at rest
# description: A bucket without a word gets a key that nobody can audit or withdraw.
# custom:
#   id: s3-encrypted
#   severity: medium
#   remediation: add aws_s3_bucket_server_side_encryption_configuration
#   resources:
#     aws_s3_bucket: [bucket, server_side_encryption_configuration.rule]
#   related:
#     aws_s3_bucket_server_side_encryption_configuration: [bucket]
package penstock.encryption.s3

import data.penstock.lib.refs
import data.penstock.lib.value

deny contains {"message": "nothing says how the bucket is encrypted"} if {
	not inline
	count(about) == 0
	not lost
}

unknown contains {"message": "it is not known which bucket an encryption configuration is for"} if {
	not inline
	count(about) == 0
	lost
}

inline if {
	blocks := object.get(input.resource.values, "server_side_encryption_configuration", [])
	is_array(blocks)
	count(blocks) > 0
}

about := [c |
	some c in input.related.aws_s3_bucket_server_side_encryption_configuration
	refs.about(c.values.bucket, input.resource)
]

lost if value.undecided(object.get(input.resource.values, "server_side_encryption_configuration", []))

lost if {
	some c in input.related.aws_s3_bucket_server_side_encryption_configuration
	refs.lost(c.values.bucket)
}
