package penstock.kubernetes.resources_test

import data.penstock.kubernetes.resources

said(field, given) := result if result := {n.message | some n in resources.deny} with input as {"resource": {"values": {"spec": {field: [{"resources": given}]}}}}

test_all_said if said("containers", {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}) == set()

test_a_limit_is_a_request if said("initContainers", {"requests": {"cpu": 1}, "limits": {"memory": "1Gi"}}) == set()

test_nothing_said if {
	every field in ["containers", "initContainers"] {
		said(field, {}) == {"resources.requests.cpu is not set", "resources.requests.memory is not set", "resources.limits.memory is not set"}
	}
}

test_debugging_takes_none if said("ephemeralContainers", {}) == set()
