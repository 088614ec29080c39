# Statements of policies, however they are written.
package penstock.lib.iam

import data.penstock.lib.value

# text: the JSON of a policy, known but for the references in it.
text(v) := v if is_string(v)

text(v) := v["$partial"] if is_string(v["$partial"])

# document: the policy as an object. A text that is no JSON has none, and is not an error.
document(v) := object_ if {
	json.is_valid(text(v))
	object_ := json.unmarshal(text(v))
	is_object(object_)
}

# readable: the policy can be looked into, and what it does is not left to a reference.
readable(v) if {
	document(v)
	not open_ended(v)
}

open_ended(v) if {
	some statement in statements(v)
	some name in ["Action", "Effect", "NotAction"]
	some word in value.list(object.get(statement, name, []))
	contains(word, "${")
}

# A reference to what may be anything, * too; an ARN or id is of something.
open_ended(v) if {
	some statement in statements(v)
	walk([object.get(statement, "Resource", []), object.get(statement, "Principal", [])], [_, word])
	is_string(word)
	regex.match(`^\$\{[^}]*\}$`, word)
	not regex.match(`[._](id|arn|name|identifier|iam_arn|unique_id)\}$`, word)
}

statements(v) := value.list(object.get(document(v), "Statement", []))

allows(statement) if lower(object.get(statement, "Effect", "")) == "allow"

actions(statement) := value.list(object.get(statement, "Action", []))

resources(statement) := value.list(object.get(statement, "Resource", []))

# everyone: a principal that is anybody.
everyone(statement) if object.get(statement, "Principal", {}) == "*"

everyone(statement) if {
	some kind in ["*", "AWS"]
	"*" in principals(statement, kind)
}

# principals of a kind: AWS, Federated, Service.
principals(statement, kind) := value.list(object.get(statement.Principal, kind, [])) if is_object(statement.Principal)

# reads: an action that AWS offers on all resources only, or that shows but does not change.
reads(action) if regex.match(`^[a-z0-9-]+:(Describe|List)[A-Za-z]*\*?$`, action)

reads(action) if action in {"cloudwatch:PutMetricData", "xray:PutTraceSegments", "xray:PutTelemetryRecords", "ecr:GetAuthorizationToken", "sts:GetCallerIdentity"}
