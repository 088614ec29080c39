# METADATA
# title: Search domains are encrypted at rest, between nodes and on the way in
# description: All three are off unless they are asked for.
# custom:
#   id: opensearch-encrypted
#   severity: high
#   remediation: enable encrypt_at_rest, node_to_node_encryption and domain_endpoint_options.enforce_https
#   resources:
#     aws_opensearch_domain: [encrypt_at_rest.enabled, node_to_node_encryption.enabled, domain_endpoint_options.enforce_https]
#     aws_elasticsearch_domain: [encrypt_at_rest.enabled, node_to_node_encryption.enabled, domain_endpoint_options.enforce_https]
package penstock.encryption.opensearch

import data.penstock.lib.value

needed := {
	"encrypt_at_rest": {"member": "enabled", "message": "the domain is not encrypted at rest"},
	"node_to_node_encryption": {"member": "enabled", "message": "traffic between nodes is not encrypted"},
	"domain_endpoint_options": {"member": "enforce_https", "message": "the domain answers without TLS"},
}

deny contains {"message": need.message, "attribute": name} if {
	some name, need in needed
	not enabled(name, need.member)
}

enabled(name, member) if {
	some block in object.get(input.resource.values, name, [])
	value.on(block, member)
}
