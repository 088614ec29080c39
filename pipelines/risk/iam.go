package risk

import "strings"

// trusts are attributes that say who may become somebody.
var trusts = map[string]bool{"assume_role_policy": true, "assume_role_policy_document": true}

// policies are attributes that hold policies as JSON.
var policies = map[string]bool{"policy": true, "inline_policy": true, "policy_document": true, "access_policy": true,
	"access_policies": true, "resource_policy": true, "policy_data": true, "key_policy": true, "policy_json": true,
	"repository_policy": true, "json_policy": true, "policy_text": true, "source_json": true, "bucket_policy": true}

// grants are attributes whose value is a right, or somebody who gets one.
var grants = map[string]bool{"policy_arn": true, "managed_policy_arns": true, "role_definition_name": true, "role_definition_id": true,
	"managed_policy_arn": true, "permission_set_arn": true}

// privileged are parts of the names of rights that are as good as all of them.
var privileged = []string{"administratoraccess", "poweruseraccess", "iamfullaccess", "fullaccess", "clusteradmin", "cluster-admin",
	"roles/owner", "roles/editor", "roles/iam.", "admin", "owner", "contributor", "user access administrator"}

// isPrivileged tells whether any of the texts names such a right.
func isPrivileged(v any) bool {
	for _, text := range texts(v) {
		lower := strings.ToLower(text)
		for _, p := range privileged {
			if strings.Contains(lower, p) {
				return true
			}
		}
	}
	return false
}

func iamCheck(kind string, n node) check {
	switch {
	case trusts[n.name]:
		return trusted
	case policies[n.name] && !nested(n.before) && !nested(n.after):
		if kind == "kubernetes_network_policy" {
			return nil
		}
		return policyChanged
	case policies[n.name] && n.name != "inline_policy":
		return listed
	case grants[n.name]:
		return granted
	case n.name == "permissions_boundary" || n.name == "permissions_boundary_arn":
		return unbounded
	case n.name == "principal" && (strings.HasSuffix(kind, "_permission") || strings.Contains(kind, "policy")):
		return principal
	case isBinding(kind):
		switch n.name {
		case "role", "member", "members", "role_ref", "subject", "principal_id", "scope", "condition", "rule", "role_id",
			"permissions", "actions", "data_actions", "groups", "users", "roles", "object_id", "key_permissions",
			"secret_permissions", "certificate_permissions", "storage_permissions":
			return bound
		}
	}
	return nil
}

// isBinding tells types that give rights to somebody.
func isBinding(kind string) bool {
	for _, part := range []string{"_iam_member", "_iam_binding", "_iam_policy", "role_assignment", "role_definition", "role_binding",
		"_cluster_role", "kubernetes_role", "_policy_attachment", "_custom_role", "user_group_membership", "_group_membership",
		"_account_assignment", "access_policy_association", "access_entry", "_key_vault_access_policy"} {
		if strings.Contains(kind, part) && !strings.HasPrefix(kind, "aws_iam_policy") {
			return true
		}
	}
	return false
}

func trusted(a attributeJudge, n node) {
	switch {
	case !a.create:
		a.add(High, "trust-changed", n.name+" changes: others may become this role")
	default:
		p, ok := parsePolicy(n.after)
		if !ok {
			a.add(High, "trust-unreadable", n.name+" cannot be read as a policy")
		} else if p.outsiders() {
			a.add(High, "trust-new", n.name+" trusts more than services of the provider")
		}
	}
}

func policyChanged(a attributeJudge, n node) {
	if texts(n.after) == nil {
		if !a.create {
			a.add(High, "policy-removed", quoted(n)+" is removed")
		}
		return
	}
	after, ok := parsePolicy(n.after)
	if !ok {
		a.add(High, "policy-unreadable", quoted(n)+" cannot be read as a policy")
		return
	}
	if a.create {
		switch {
		case after.wild():
			a.add(High, "policy-wildcard", quoted(n)+" grants by wildcard, or to everybody")
		case after.outsiders():
			a.add(High, "policy-shared", quoted(n)+" grants to more than services of the provider")
		}
		return
	}
	before, ok := parsePolicy(n.before)
	if texts(n.before) == nil {
		ok = true // there was none: it allowed nothing
	}
	switch {
	case !ok || !before.covers(after):
		message := quoted(n) + " allows more than before"
		if after.wild() {
			message += ", by wildcard or to everybody"
		}
		a.add(High, "policy-widened", message)
	case !after.keepsDenials(before):
		a.add(High, "policy-widened", quoted(n)+" denies less than before")
	}
}

// listed judges policies that are blocks, which are compared as a whole.
func listed(a attributeJudge, n node) {
	if !a.create {
		a.add(High, "policy-widened", quoted(n)+" of who may do what changes")
	}
}

func granted(a attributeJudge, n node) {
	had := map[string]bool{}
	for _, text := range texts(n.before) {
		had[text] = true
	}
	for _, text := range texts(n.after) {
		switch {
		case had[text]:
		case isPrivileged(text):
			a.add(High, "admin-granted", quoted(n)+" grants as good as everything")
			return
		case !a.create:
			a.add(High, "policy-widened", quoted(n)+" grants something else than before")
			return
		}
	}
}

func unbounded(a attributeJudge, n node) {
	if len(texts(n.before)) > 0 {
		a.add(High, "boundary-changed", quoted(n)+" changes or is removed")
	}
}

func principal(a attributeJudge, n node) {
	for _, text := range texts(n.after) {
		if text == "*" || !strings.HasSuffix(text, ".amazonaws.com") {
			a.add(High, "policy-shared", quoted(n)+" is more than a service of the provider")
			return
		}
	}
}

func bound(a attributeJudge, n node) {
	switch {
	case isPrivileged(n.after) || hasWildcard(n.after) || everybody(n.after):
		a.add(High, "admin-granted", quoted(n)+" grants as good as everything, or to everybody")
	case !a.create:
		a.add(High, "policy-widened", quoted(n)+" of who may do what changes")
	}
}

// everybody tells whether a right is given to everybody.
func everybody(v any) bool {
	for _, text := range leaves(v) {
		switch text {
		case "allUsers", "allAuthenticatedUsers", "system:anonymous", "system:unauthenticated", "system:authenticated", "cluster-admin":
			return true
		}
	}
	return false
}

func hasWildcard(v any) bool {
	for _, text := range leaves(v) {
		if text == "*" {
			return true
		}
	}
	return false
}

// leaves are all strings within a value.
func leaves(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, leaves(e)...)
		}
		return all
	case map[string]any:
		var all []string
		for _, e := range v {
			all = append(all, leaves(e)...)
		}
		return all
	}
	return nil
}
