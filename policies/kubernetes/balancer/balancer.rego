# METADATA
# title: No service is open to the world
# description: A load balancer takes every address unless it is internal or its ranges are named. Requests from outside go through an Ingress.
# custom:
#   id: load-balancer-bounded
#   severity: critical
#   remediation: 'use type: ClusterIP with an Ingress, or an internal load balancer, or name loadBalancerSourceRanges'
#   resources:
#     Service: [metadata.annotations, spec.type, spec.loadBalancerSourceRanges, spec.externalIPs]
package penstock.kubernetes.balancer

deny contains {"message": "the load balancer is open to the world", "attribute": "spec.type"} if {
	input.resource.values.spec.type == "LoadBalancer"
	not internal
	open
}

deny contains {"message": "externalIPs take the traffic of these addresses from whom it is for", "attribute": "spec.externalIPs"} if {
	count(input.resource.values.spec.externalIPs) > 0
}

open if count(object.get(input.resource.values.spec, "loadBalancerSourceRanges", [])) == 0

open if {
	some range in input.resource.values.spec.loadBalancerSourceRanges
	endswith(range, "/0")
}

internal if input.resource.values.metadata.annotations["service.beta.kubernetes.io/aws-load-balancer-scheme"] == "internal"

internal if input.resource.values.metadata.annotations["service.beta.kubernetes.io/aws-load-balancer-internal"] == "true"
