# METADATA
# title: A container that listens says whether it is ready and alive
# description: Without a readiness probe, requests are sent to what has not started; without a liveness probe, what hangs stays.
# custom:
#   id: probes-present
#   severity: medium
#   remediation: set probes.readiness and probes.liveness
#   resources:
#     pod: [owner.kind, spec.containers.ports, spec.containers.readinessProbe, spec.containers.livenessProbe]
package penstock.kubernetes.probes

deny contains {"message": sprintf("the container has ports and no %s", [probe]), "attribute": sprintf("spec.containers.%d", [i])} if {
	not input.resource.values.owner.kind in {"Job", "CronJob"}
	some i, container in input.resource.values.spec.containers
	count(object.get(container, "ports", [])) > 0
	some probe in ["readinessProbe", "livenessProbe"]
	not container[probe]
}
