# METADATA
# title: Pods keep off the node that they run on
# description: A pod in the network, the processes or the files of its node can reach every other pod on it.
# custom:
#   id: pod-off-the-host
#   severity: critical
#   remediation: take hostNetwork, hostPID, hostIPC, hostPort and hostPath out
#   resources:
#     pod: [spec.hostNetwork, spec.hostPID, spec.hostIPC, spec.volumes.hostPath, spec.containers.ports.hostPort, spec.initContainers.ports.hostPort]
package penstock.kubernetes.host

import data.penstock.kubernetes.containers

deny contains {"message": sprintf("%s is set", [name]), "attribute": sprintf("spec.%s", [name])} if {
	some name in ["hostNetwork", "hostPID", "hostIPC"]
	input.resource.values.spec[name] == true
}

deny contains {"message": "a volume is a path of the node", "attribute": sprintf("spec.volumes.%d", [i])} if {
	some i, volume in input.resource.values.spec.volumes
	volume.hostPath
}

deny contains {"message": "a port of the node is taken", "attribute": sprintf("%s.ports.%d.hostPort", [container.at, i])} if {
	some container in containers.all
	some i, port in container.is.ports
	port.hostPort != 0
}
