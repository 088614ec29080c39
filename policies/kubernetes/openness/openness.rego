# METADATA
# title: Network policies name who may connect
# description: A rule without from, or without to, allows everyone.
# custom:
#   id: network-policy-bounded
#   severity: high
#   remediation: name namespaces, pods or addresses
#   resources:
#     NetworkPolicy: [spec.ingress, spec.egress, spec.podSelector]
package penstock.kubernetes.openness

deny contains {"message": "everyone may connect", "attribute": sprintf("spec.ingress.%d", [i])} if {
	some i, rule in input.resource.values.spec.ingress
	count(object.get(rule, "from", [])) == 0
}

deny contains {"message": "it may connect to everyone", "attribute": sprintf("spec.egress.%d", [i])} if {
	some i, rule in input.resource.values.spec.egress
	count(object.get(rule, "to", [])) == 0
}
