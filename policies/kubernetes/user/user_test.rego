package penstock.kubernetes.user_test

import data.penstock.kubernetes.user

said(pod, container) := result if result := {n.message | some n in user.deny} with input as {"resource": {"values": {"spec": {"securityContext": pod, "containers": [{"securityContext": container}]}}}}

test_of_the_pod if said({"runAsNonRoot": true, "runAsUser": 1000}, {}) == set()

test_of_the_container if said({}, {"runAsNonRoot": true}) == set()

test_nothing_said if said({}, {}) == {"runAsNonRoot is not true"}

test_the_container_has_the_last_word if {
	said({"runAsNonRoot": true}, {"runAsNonRoot": false}) == {"runAsNonRoot is not true"}
	said({"runAsNonRoot": true, "runAsUser": 1000}, {"runAsUser": 0}) == {"it runs as user 0"}
	said({"runAsNonRoot": true, "runAsUser": 0}, {"runAsUser": 1000}) == set()
}
