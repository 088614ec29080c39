# METADATA
# title: Databases are encrypted at rest
# description: Encryption cannot be switched on later, only by restoring into a new database.
# custom:
#   id: rds-encrypted
#   severity: high
#   remediation: set storage_encrypted = true
#   resources:
#     aws_db_instance: [storage_encrypted, replicate_source_db]
#     aws_rds_cluster: [storage_encrypted, replication_source_identifier]
#     aws_docdb_cluster: [storage_encrypted]
#     aws_neptune_cluster: [storage_encrypted]
#   references: [replicate_source_db, replication_source_identifier]
package penstock.encryption.rds

import data.penstock.lib.value

deny contains {"message": "the database is not encrypted", "attribute": "storage_encrypted"} if {
	not value.on(input.resource.values, "storage_encrypted")
	not replica
}

# A replica is as its source is.
replica if not value.unset(input.resource.values, "replicate_source_db")

replica if not value.unset(input.resource.values, "replication_source_identifier")
