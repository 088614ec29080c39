package penstock.kubernetes.privilege_test

import data.penstock.kubernetes.privilege

restricted := {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}

said(context) := result if result := {n.message | some n in privilege.deny} with input as {"resource": {"values": {"spec": {"containers": [{"securityContext": context}]}}}}

test_restricted if said(restricted) == set()

test_seccomp_of_the_pod if {
	spec := {"securityContext": {"seccompProfile": {"type": "Localhost"}}, "initContainers": [{"securityContext": object.remove(restricted, ["seccompProfile"])}]}
	count(privilege.deny) == 0 with input as {"resource": {"values": {"spec": spec}}}
}

test_nothing_said if {
	said({}) == {"allowPrivilegeEscalation is not false", "capabilities are not dropped", "system calls are not filtered: there is no seccomp profile"}
}

test_each if {
	every pair in [
		[{"privileged": true}, "the container is privileged"],
		[{"allowPrivilegeEscalation": true}, "allowPrivilegeEscalation is not false"],
		[{"procMount": "Unmasked"}, "what is hidden of /proc is shown"],
		[{"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "SYS_ADMIN"]}}, "the capability SYS_ADMIN is added"],
		[{"capabilities": {"drop": ["NET_RAW"]}}, "capabilities are not dropped"],
		[{"seccompProfile": {"type": "Unconfined"}}, "system calls are not filtered: there is no seccomp profile"],
	] {
		said(object.union(object.remove(restricted, object.keys(pair[0])), pair[0])) == {pair[1]}
	}
}
