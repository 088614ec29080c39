# METADATA
# title: Log groups say how long they keep
# description: Without a word they keep for ever, and cost for ever.
# custom:
#   id: log-retention
#   severity: low
#   remediation: set retention_in_days
#   resources:
#     aws_cloudwatch_log_group: [retention_in_days]
package penstock.operations.log_retention

deny contains {"message": "the log group keeps for ever", "attribute": "retention_in_days"} if {
	to_number(object.get(input.resource.values, "retention_in_days", 0)) == 0
}
