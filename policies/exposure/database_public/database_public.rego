# METADATA
# title: Databases are not reached from outside of their network
# description: A password is then all that stands between it and everybody.
# custom:
#   id: database-not-public
#   severity: critical
#   remediation: set publicly_accessible = false
#   resources:
#     aws_db_instance: [publicly_accessible]
#     aws_rds_cluster_instance: [publicly_accessible]
#     aws_dms_replication_instance: [publicly_accessible]
package penstock.exposure.database_public

import data.penstock.lib.value

deny contains {"message": "the database is publicly accessible", "attribute": "publicly_accessible"} if {
	value.on(input.resource.values, "publicly_accessible")
}
