package penstock.kubernetes.network_test

import data.penstock.kubernetes.network

missing(policies) := result if result := {n.message | some n in network.deny} with input as {
	"resource": {"values": {"namespace": "shop", "metadata": {"labels": {"app": "orders", "tier": "web"}}, "spec": {}}},
	"related": {"NetworkPolicy": [{"values": p} | some p in policies]},
}

policy(namespace, selector, types) := {"namespace": namespace, "spec": {"podSelector": selector, "policyTypes": types}}

both := ["Ingress", "Egress"]

neither := {"no network policy is about its ingress", "no network policy is about its egress"}

test_selected if {
	every selector in [
		{}, {"matchLabels": {"app": "orders"}},
		{"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "orders"]}]},
		{"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]},
		{"matchExpressions": [{"key": "no", "operator": "NotIn", "values": ["a"]}]},
		{"matchExpressions": [{"key": "app", "operator": "Exists"}]},
		{"matchExpressions": [{"key": "no", "operator": "DoesNotExist"}]},
	] {
		missing([policy("shop", selector, both)]) == set()
	}
}

test_not_selected if {
	every selector in [
		{"matchLabels": {"app": "orders", "tier": "db"}},
		{"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]},
		{"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["orders"]}]},
		{"matchExpressions": [{"key": "no", "operator": "Exists"}]},
		{"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]},
		{"matchExpressions": [{"key": "app", "operator": "Like", "values": ["orders"]}]},
	] {
		missing([policy("shop", selector, both)]) == neither
	}
}

test_none if missing([]) == neither

test_of_another_namespace if missing([policy("other", {}, both)]) == neither

test_one_direction_each if {
	missing([policy("shop", {}, ["Ingress"])]) == {"no network policy is about its egress"}
	missing([policy("shop", {}, ["Ingress"]), policy("shop", {}, ["Egress"])]) == set()
}
