# METADATA
# title: A network policy stands over each pod, in both directions
# description: Without one, every pod of the cluster may connect, and it may connect to all.
# custom:
#   id: network-policy-present
#   severity: high
#   remediation: 'set networkPolicy.enabled: true, or add a NetworkPolicy that selects the pod'
#   resources:
#     pod: [namespace, metadata.labels, spec.containers.name]
#   related:
#     NetworkPolicy: [namespace, spec.podSelector, spec.policyTypes]
package penstock.kubernetes.network

import data.penstock.kubernetes.selector

deny contains {"message": sprintf("no network policy is about its %s", [lower(direction)]), "attribute": "spec"} if {
	some direction in ["Ingress", "Egress"]
	not governed(direction)
}

governed(direction) if {
	some policy in input.related.NetworkPolicy
	policy.values.namespace == input.resource.values.namespace
	direction in policy.values.spec.policyTypes
	selector.matches(policy.values.spec.podSelector, object.get(input.resource.values, ["metadata", "labels"], {}))
}
