# METADATA
# title: Policies of buckets let nobody in without a condition
# description: A principal of * is the whole world.
# custom:
#   id: s3-policy-not-public
#   severity: critical
#   remediation: name the principals, or add a condition
#   resources:
#     aws_s3_bucket_policy: [policy]
package penstock.exposure.s3_policy

import data.penstock.lib.iam

deny contains {"message": "the policy lets everybody in", "attribute": "policy"} if {
	some statement in iam.statements(input.resource.values.policy)
	iam.allows(statement)
	iam.everyone(statement)
	count(object.get(statement, "Condition", {})) == 0
}

unknown contains {"message": "the policy is not known", "attribute": "policy"} if {
	not iam.readable(input.resource.values.policy)
}
