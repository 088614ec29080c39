# METADATA
# title: Buckets cannot be made public
# description: The block of public access holds whatever an access list or a policy says later.
# custom:
#   id: s3-not-public
#   severity: critical
#   remediation: add aws_s3_bucket_public_access_block with all four set to true
#   resources:
#     aws_s3_bucket: [bucket, acl]
#   related:
#     aws_s3_bucket_public_access_block: [bucket, block_public_acls, block_public_policy, ignore_public_acls, restrict_public_buckets]
package penstock.exposure.s3_public

import data.penstock.lib.refs
import data.penstock.lib.value

switches := {"block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"}

deny contains {"message": "the bucket's access list is public", "attribute": "acl"} if {
	input.resource.values.acl in {"public-read", "public-read-write", "website"}
}

deny contains {"message": "nothing blocks public access to the bucket"} if {
	count(about) == 0
	not lost
}

deny contains {"message": message} if {
	some block in about
	some name in switches
	off(block, name)
	message := sprintf("%s is not true in %s", [name, block.address])
}

off(block, name) if value.off(block.values, name)

unknown contains {"message": "it is not known which bucket a block of public access is for"} if {
	count(about) == 0
	lost
}

unknown contains {"message": message} if {
	some block in about
	some name in switches
	value.undecided(block.values[name])
	message := sprintf("%s of %s is not known", [name, block.address])
}

unknown contains {"message": "the bucket's access list is not known", "attribute": "acl"} if value.undecided(input.resource.values.acl)

about := [block |
	some block in input.related.aws_s3_bucket_public_access_block
	refs.about(block.values.bucket, input.resource)
]

lost if {
	some block in input.related.aws_s3_bucket_public_access_block
	refs.lost(block.values.bucket)
}
