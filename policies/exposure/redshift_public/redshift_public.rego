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

unknown contains {"message": "whether the cluster is publicly accessible is not known", "attribute": "publicly_accessible"} if {
	value.undecided(input.resource.values.publicly_accessible)
}

# A plan shows the default of its provider.
unknown contains {"message": "without publicly_accessible the cluster is public before version 6 of the AWS provider"} if {
	input.kind == "configuration"
	input.resource.type == "aws_redshift_cluster"
	value.unset(input.resource.values, "publicly_accessible")
}
