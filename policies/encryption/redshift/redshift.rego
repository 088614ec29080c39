# METADATA
# title: Redshift clusters are encrypted at rest
# description: The warehouse holds what every other store holds.
# custom:
#   id: redshift-encrypted
#   severity: high
#   remediation: set encrypted = true
#   resources:
#     aws_redshift_cluster: [encrypted]
package penstock.encryption.redshift

import data.penstock.lib.value

deny contains {"message": "the cluster is not encrypted", "attribute": "encrypted"} if {
	not value.on(input.resource.values, "encrypted")
}
