package penstock.kubernetes.filesystem_test

import data.penstock.kubernetes.filesystem

at(spec) := result if result := {n.attribute | some n in filesystem.deny} with input as {"resource": {"values": {"spec": spec}}}

test_read_only if at({"containers": [{"securityContext": {"readOnlyRootFilesystem": true}}]}) == set()

test_writable if {
	at({"containers": [{"securityContext": {"readOnlyRootFilesystem": false}}, {}], "initContainers": [{"securityContext": {}}]}) == {
		"spec.containers.0", "spec.containers.1", "spec.initContainers.0",
	}
}
