package penstock.kubernetes.token_test

import data.penstock.kubernetes.token

denied(spec, related) := result if result := count(token.deny) with input as {
	"resource": {"values": {"namespace": "shop", "spec": spec}},
	"related": object.union({"ServiceAccount": [], "RoleBinding": [], "ClusterRoleBinding": []}, related),
}

account(name, namespace, mounts) := {"ServiceAccount": [{"values": {"namespace": namespace, "metadata": {"name": name}, "automountServiceAccountToken": mounts}}]}

test_not_mounted if denied({"automountServiceAccountToken": false}, {}) == 0

test_not_mounted_by_the_account if denied({"serviceAccountName": "orders"}, account("orders", "shop", false)) == 0

test_mounted if {
	denied({}, {}) == 1
	denied({"automountServiceAccountToken": true, "serviceAccountName": "orders"}, account("orders", "shop", false)) == 1
	denied({"serviceAccountName": "orders"}, account("other", "shop", false)) == 1
	denied({"serviceAccountName": "orders"}, account("orders", "other", false)) == 1
	denied({"serviceAccountName": "orders"}, account("orders", "shop", true)) == 1
}

bound(kind, values) := denied({"serviceAccountName": "orders"}, {kind: [{"values": values}]})

test_bound if {
	bound("RoleBinding", {"namespace": "shop", "subjects": [{"kind": "ServiceAccount", "name": "orders"}]}) == 0
	bound("ClusterRoleBinding", {"subjects": [{"kind": "ServiceAccount", "name": "orders", "namespace": "shop"}]}) == 0
}

test_another_is_bound if {
	bound("RoleBinding", {"namespace": "other", "subjects": [{"kind": "ServiceAccount", "name": "orders"}]}) == 1
	bound("RoleBinding", {"namespace": "shop", "subjects": [{"kind": "ServiceAccount", "name": "other"}]}) == 1
	bound("ClusterRoleBinding", {"subjects": [{"kind": "User", "name": "orders", "namespace": "shop"}]}) == 1
}
