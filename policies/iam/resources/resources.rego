# METADATA
# title: Policies name the resources that they are about
# description: Actions that AWS offers on all resources only, and such that read lists, may stand on *.
# custom:
#   id: iam-bounded-resources
#   severity: high
#   remediation: name the resources by ARN
#   resources:
#     aws_iam_policy: [policy]
#     aws_iam_role_policy: [policy]
#     aws_iam_user_policy: [policy]
#     aws_iam_group_policy: [policy]
package penstock.iam.resources

import data.penstock.lib.iam

deny contains {"message": message, "attribute": "policy"} if {
	some statement in iam.statements(input.resource.values.policy)
	iam.allows(statement)
	"*" in iam.resources(statement)
	some action in iam.actions(statement)
	not iam.reads(action)
	message := sprintf("%s is allowed on every resource", [action])
}

unknown contains {"message": "the policy is not known", "attribute": "policy"} if {
	not iam.readable(input.resource.values.policy)
}
