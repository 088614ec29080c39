# METADATA
# title: Resources have the required tags
# description: Off until compliance.settings.required_tags of penstock.yaml names the tags.
# custom:
#   id: required-tags
#   severity: low
#   remediation: add the tag, or default_tags to the provider
#   resources:
#     aws_cloudwatch_log_group: [tags_all]
#     aws_db_instance: [tags_all]
#     aws_dynamodb_table: [tags_all]
#     aws_ebs_volume: [tags_all]
#     aws_ecr_repository: [tags_all]
#     aws_efs_file_system: [tags_all]
#     aws_eks_cluster: [tags_all]
#     aws_elasticache_replication_group: [tags_all]
#     aws_iam_role: [tags_all]
#     aws_instance: [tags_all]
#     aws_kms_key: [tags_all]
#     aws_lambda_function: [tags_all]
#     aws_lb: [tags_all]
#     aws_opensearch_domain: [tags_all]
#     aws_rds_cluster: [tags_all]
#     aws_redshift_cluster: [tags_all]
#     aws_s3_bucket: [tags_all]
#     aws_security_group: [tags_all]
#     aws_sns_topic: [tags_all]
#     aws_sqs_queue: [tags_all]
#     aws_subnet: [tags_all]
#     aws_vpc: [tags_all]
package penstock.operations.required_tags

import data.penstock.lib.value

deny contains {"message": message, "attribute": "tags"} if {
	some tag in input.settings.required_tags
	tags := object.get(input.resource.values, "tags_all", {})
	not value.undecided(tags)
	not tags[tag]
	message := sprintf("the tag %q is missing", [tag])
}

unknown contains {"message": "the tags are not known", "attribute": "tags"} if {
	count(input.settings.required_tags) > 0
	value.undecided(object.get(input.resource.values, "tags_all", {}))
}
