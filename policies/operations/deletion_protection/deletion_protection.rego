# METADATA
# title: Stores of state are protected from deletion
# description: A plan that replaces a database is then refused by AWS, not by luck.
#   What has a tag of compliance.settings.disposable, such as environment=dvlp, needs none.
# custom:
#   id: deletion-protection
#   severity: medium
#   remediation: set deletion_protection = true (deletion_protection_enabled for a table)
#   resources:
#     aws_db_instance: [deletion_protection, tags_all]
#     aws_rds_cluster: [deletion_protection, tags_all]
#     aws_docdb_cluster: [deletion_protection, tags_all]
#     aws_neptune_cluster: [deletion_protection, tags_all]
#     aws_dynamodb_table: [deletion_protection_enabled, tags_all]
package penstock.operations.deletion_protection

import data.penstock.lib.value

argument := "deletion_protection_enabled" if input.resource.type == "aws_dynamodb_table"

argument := "deletion_protection" if input.resource.type != "aws_dynamodb_table"

protection := object.get(input.resource.values, argument, false)

deny contains {"message": "it can be deleted by mistake", "attribute": argument} if {
	not value.undecided(protection)
	not value.on(input.resource.values, argument)
	not disposable
}

unknown contains {"message": "whether it can be deleted is not known", "attribute": argument} if {
	value.undecided(protection)
	not disposable
}

# Tags that are not known make nothing disposable.
disposable if {
	tags := object.get(input.resource.values, "tags_all", {})
	some tag in input.settings.disposable
	some name, text in tags
	tag == sprintf("%s=%s", [name, text])
}
