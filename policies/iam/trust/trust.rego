# METADATA
# title: Roles are assumed by those who are named
# description: A role that GitHub may assume names the repository and what of it, in the sub of its token.
# custom:
#   id: iam-bounded-trust
#   severity: critical
#   remediation: name the principals; for GitHub, bound token.actions.githubusercontent.com:sub to a repository and an environment, branch or tag
#   resources:
#     aws_iam_role: [assume_role_policy]
package penstock.iam.trust

import data.penstock.lib.iam
import data.penstock.lib.value

subject := "token.actions.githubusercontent.com:sub"

deny contains {"message": "everybody may assume the role", "attribute": "assume_role_policy"} if {
	some statement in trusting
	iam.everyone(statement)
	count(object.get(statement, "Condition", {})) == 0
}

deny contains {"message": "every repository on GitHub may assume the role: its sub is not bounded", "attribute": "assume_role_policy"} if {
	some statement in trusting
	github(statement)
	count(subjects(statement)) == 0
}

deny contains {"message": message, "attribute": "assume_role_policy"} if {
	some statement in trusting
	github(statement)
	some sub in subjects(statement)
	not regex.match(`^repo:[^*?/]+/[^*?:]+:[^*?].*$`, sub)
	message := sprintf("the role's sub is not bounded to a repository and a part of it: %s", [sub])
}

trusting := [statement |
	some statement in iam.statements(input.resource.values.assume_role_policy)
	iam.allows(statement)
]

github(statement) if {
	some provider in iam.principals(statement, "Federated")
	contains(provider, "token.actions.githubusercontent.com")
}

github(statement) if {
	some test in object.get(statement, "Condition", {})
	some key, _ in test
	startswith(key, "token.actions.githubusercontent.com:")
}

subjects(statement) := {sub |
	some operator, test in object.get(statement, "Condition", {})
	operator in {"StringEquals", "StringLike", "ForAnyValue:StringEquals", "ForAnyValue:StringLike"}
	some key, subs in test
	lower(key) == subject
	some sub in value.list(subs)
}

unknown contains {"message": "who may assume the role is not known", "attribute": "assume_role_policy"} if {
	not iam.readable(input.resource.values.assume_role_policy)
}
