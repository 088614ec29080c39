# METADATA
# title: Policies allow named actions
# description: Everything, or everything of a service, grows with each thing that AWS invents.
# custom:
#   id: iam-bounded-actions
#   severity: high
#   remediation: name the actions that are needed
#   resources:
#     aws_iam_policy: [policy]
#     aws_iam_role_policy: [policy]
#     aws_iam_user_policy: [policy]
#     aws_iam_group_policy: [policy]
package penstock.iam.actions

import data.penstock.lib.iam

deny contains {"message": message, "attribute": "policy"} if {
	some statement in iam.statements(input.resource.values.policy)
	iam.allows(statement)
	some action in iam.actions(statement)
	regex.match(`^(\*|[^:]+:\*)$`, action)
	message := sprintf("the policy allows every action: %s", [action])
}

deny contains {"message": "the policy allows all actions but some", "attribute": "policy"} if {
	some statement in iam.statements(input.resource.values.policy)
	iam.allows(statement)
	statement.NotAction
}

unknown contains {"message": "the policy is not known", "attribute": "policy"} if {
	not iam.readable(input.resource.values.policy)
}
