# METADATA
# title: Access lists of buckets are not public
# description: Everybody, or everybody with an account of AWS, is not a reader that anybody chose.
# custom:
#   id: s3-acl-not-public
#   severity: critical
#   remediation: set acl = "private", or take the access list out
#   resources:
#     aws_s3_bucket_acl: [acl]
package penstock.exposure.s3_acl

deny contains {"message": "the access list is public", "attribute": "acl"} if {
	input.resource.values.acl in {"public-read", "public-read-write", "authenticated-read", "website"}
}
