package penstock.kubernetes.openness_test

import data.penstock.kubernetes.openness

at(spec) := result if result := {n.attribute | some n in openness.deny} with input as {"resource": {"values": {"spec": spec}}}

peer := {"podSelector": {}}

test_named if {
	at({}) == set()
	at({"ingress": [{"from": [peer]}], "egress": [{"to": [peer]}]}) == set()
}

test_everyone if at({"ingress": [{"from": [peer]}, {"ports": []}], "egress": [{"to": []}]}) == {"spec.ingress.1", "spec.egress.0"}
