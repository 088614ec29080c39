# METADATA
# title: Distributions speak TLS 1.2 or later
# description: Viewers that come by plain HTTP are sent to HTTPS.
# custom:
#   id: cloudfront-tls
#   severity: high
#   remediation: set viewer_protocol_policy to redirect-to-https and minimum_protocol_version to TLSv1.2_2021
#   resources:
#     aws_cloudfront_distribution: [default_cache_behavior.viewer_protocol_policy, ordered_cache_behavior.viewer_protocol_policy, viewer_certificate.minimum_protocol_version]
package penstock.transport.cloudfront

deny contains {"message": "a behaviour lets plain HTTP through", "attribute": name} if {
	some name in ["default_cache_behavior", "ordered_cache_behavior"]
	some behaviour in object.get(input.resource.values, name, [])
	behaviour.viewer_protocol_policy == "allow-all"
}

deny contains {"message": "less than TLS 1.2 is let in", "attribute": "viewer_certificate"} if {
	some certificate in object.get(input.resource.values, "viewer_certificate", [])
	not startswith(object.get(certificate, "minimum_protocol_version", "TLSv1"), "TLSv1.2")
	not startswith(object.get(certificate, "minimum_protocol_version", "TLSv1"), "TLSv1.3")
}
