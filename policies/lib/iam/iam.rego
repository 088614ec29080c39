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

# readable: the policy can be looked into.
readable(v) if document(v)

statements(v) := value.list(object.get(document(v), "Statement", []))

allows(statement) if lower(object.get(statement, "Effect", "")) == "allow"

actions(statement) := value.list(object.get(statement, "Action", []))

resources(statement) := value.list(object.get(statement, "Resource", []))

# everyone: a principal that is anybody.
everyone(statement) if object.get(statement, "Principal", {}) == "*"

everyone(statement) if {
	"*" in principals(statement, "AWS")
}

# principals of a kind: AWS, Federated, Service.
principals(statement, kind) := value.list(object.get(statement.Principal, kind, [])) if is_object(statement.Principal)

# reads: an action that AWS offers on all resources only, or that shows but does not change.
reads(action) if regex.match(`^[a-z0-9-]+:(Describe|List)[A-Za-z]*\*?$`, action)

reads(action) if action in {"cloudwatch:PutMetricData", "xray:PutTraceSegments", "xray:PutTelemetryRecords", "ecr:GetAuthorizationToken", "sts:GetCallerIdentity"}
