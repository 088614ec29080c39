package penstock.kubernetes.account_test

import data.penstock.kubernetes.account

denied(spec) := result if result := count(account.deny) with input as {"resource": {"values": {"spec": spec}}}

test_own if {
	denied({"serviceAccountName": "orders"}) == 0
	denied({"serviceAccount": "orders"}) == 0
}

test_default if {
	every spec in [{}, {"serviceAccountName": ""}, {"serviceAccountName": "default"}, {"serviceAccount": "default"}] {
		denied(spec) == 1
	}
}
