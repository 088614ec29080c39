# METADATA
# title: Redshift clusters are not reached from outside of their network
# description: A password is then all that stands between it and everybody.
# custom:
#   id: redshift-not-public
#   severity: critical
#   remediation: set publicly_accessible = false
#   resources:
#     aws_redshift_cluster: [publicly_accessible]
#     aws_redshiftserverless_workgroup: [publicly_accessible]
package penstock.exposure.redshift_public

import data.penstock.lib.value

deny contains {"message": "the cluster is publicly accessible", "attribute": "publicly_accessible"} if {
	value.on(input.resource.values, "publicly_accessible")
}
