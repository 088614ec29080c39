package penstock.kubernetes.probes_test

import data.penstock.kubernetes.probes

said(kind, container) := result if result := {n.message | some n in probes.deny} with input as {"resource": {"values": {"owner": {"kind": kind}, "spec": {"containers": [container]}}}}

port := {"ports": [{"containerPort": 1}]}

test_probed if said("Deployment", object.union(port, {"readinessProbe": {}, "livenessProbe": {}})) == set()

test_one_is_missing if {
	said("Deployment", object.union(port, {"readinessProbe": {}})) == {"the container has ports and no livenessProbe"}
	said("StatefulSet", object.union(port, {"livenessProbe": {}})) == {"the container has ports and no readinessProbe"}
}

test_no_port if said("Deployment", {"ports": []}) == set()

test_jobs_end if {
	every kind in ["Job", "CronJob"] {
		said(kind, port) == set()
	}
}
