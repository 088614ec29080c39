# METADATA
# title: Stores of state are protected from deletion
# description: A plan that replaces a database is then refused by AWS, not by luck.
# custom:
#   id: deletion-protection
#   severity: medium
#   remediation: set deletion_protection = true (deletion_protection_enabled for a table)
#   resources:
#     aws_db_instance: [deletion_protection]
#     aws_rds_cluster: [deletion_protection]
#     aws_docdb_cluster: [deletion_protection]
#     aws_neptune_cluster: [deletion_protection]
#     aws_dynamodb_table: [deletion_protection_enabled]
package penstock.operations.deletion_protection

import data.penstock.lib.value

argument := "deletion_protection_enabled" if input.resource.type == "aws_dynamodb_table"

argument := "deletion_protection" if input.resource.type != "aws_dynamodb_table"

deny contains {"message": "it can be deleted by mistake", "attribute": argument} if {
	not value.on(input.resource.values, argument)
}
