# METADATA
# title: No secret is made from a manifest
# description: The values of a chart and the history of its releases would hold it.
# custom:
#   id: no-secret-in-manifest
#   severity: high
#   remediation: make an ExternalSecret, or refer to a Secret that exists
#   resources:
#     Secret: [data, stringData, metadata.name]
package penstock.kubernetes.secret

deny contains {"message": "the Secret holds values", "attribute": field} if {
	some field in ["data", "stringData"]
	count(input.resource.values[field]) > 0
}
