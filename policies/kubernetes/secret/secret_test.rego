package penstock.kubernetes.secret_test

import data.penstock.kubernetes.secret

at(values) := result if result := {n.attribute | some n in secret.deny} with input as {"resource": {"values": values}}

test_empty if {
	at({"metadata": {"name": "a"}}) == set()
	at({"data": {}}) == set()
}

test_values if at({"data": {"a": "YQ=="}, "stringData": {"b": "c"}}) == {"data", "stringData"}
