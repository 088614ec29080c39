package penstock.kubernetes.host_test

import data.penstock.kubernetes.host

at(spec) := result if result := {n.attribute | some n in host.deny} with input as {"resource": {"values": {"spec": spec}}}

test_off_the_host if {
	at({"containers": [{"ports": [{"containerPort": 1}]}], "volumes": [{"emptyDir": {}}], "hostNetwork": false}) == set()
}

test_namespaces_of_the_node if {
	at({"hostNetwork": true, "hostPID": true, "hostIPC": true}) == {"spec.hostNetwork", "spec.hostPID", "spec.hostIPC"}
}

test_files_of_the_node if {
	at({"volumes": [{"emptyDir": {}}, {"hostPath": {"path": "/"}}]}) == {"spec.volumes.1"}
}

test_ports_of_the_node if {
	at({"containers": [{"ports": [{"hostPort": 0}, {"hostPort": 80}]}]}) == {"spec.containers.0.ports.1.hostPort"}
}
