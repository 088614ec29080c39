# METADATA
# title: Listeners speak TLS 1.2 or later
# description: Plain HTTP may redirect to HTTPS, and nothing else.
# custom:
#   id: listener-tls
#   severity: high
#   remediation: use HTTPS with a policy of TLS 1.2 or later, or redirect to HTTPS
#   resources:
#     aws_lb_listener: [protocol, ssl_policy, load_balancer_arn, default_action.type, default_action.redirect.protocol]
#     aws_alb_listener: [protocol, ssl_policy, load_balancer_arn, default_action.type, default_action.redirect.protocol]
#   references: [load_balancer_arn]
package penstock.transport.listener

deny contains {"message": "the listener speaks plain HTTP and does not redirect to HTTPS", "attribute": "protocol"} if {
	upper(object.get(input.resource.values, "protocol", "HTTP")) == "HTTP"
	not redirects
}

redirects if {
	actions := object.get(input.resource.values, "default_action", [])
	count(actions) > 0
	every action in actions {
		action.type == "redirect"
		some target in action.redirect
		upper(object.get(target, "protocol", "")) == "HTTPS"
	}
}

deny contains {"message": message, "attribute": "ssl_policy"} if {
	upper(input.resource.values.protocol) in {"HTTPS", "TLS"}
	policy := object.get(input.resource.values, "ssl_policy", "ELBSecurityPolicy-2016-08")
	not modern(policy)
	message := sprintf("the policy %s lets in less than TLS 1.2", [policy])
}

modern(policy) if regex.match("TLS13-1-[23]|TLS-1-2|FS-1-2", policy)
