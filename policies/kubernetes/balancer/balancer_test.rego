package penstock.kubernetes.balancer_test

import data.penstock.kubernetes.balancer

at(annotations, spec) := result if result := {n.attribute | some n in balancer.deny} with input as {"resource": {"values": {"metadata": {"annotations": annotations}, "spec": spec}}}

test_inside if {
	at({}, {}) == set()
	at({}, {"type": "ClusterIP", "externalIPs": []}) == set()
	at({"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"}, {"type": "LoadBalancer"}) == set()
	at({"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}, {"type": "LoadBalancer"}) == set()
	at({}, {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]}) == set()
}

test_open if {
	at({}, {"type": "LoadBalancer"}) == {"spec.type"}
	at({}, {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8", "0.0.0.0/0"]}) == {"spec.type"}
	at({}, {"type": "LoadBalancer", "loadBalancerSourceRanges": ["::/0"]}) == {"spec.type"}
	at({"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"}, {"type": "LoadBalancer"}) == {"spec.type"}
}

test_addresses_of_others if at({}, {"externalIPs": ["192.0.2.1"]}) == {"spec.externalIPs"}
