# METADATA
# title: Instances answer for metadata to IMDSv2 only
# description: IMDSv1 hands the role's credentials to whoever makes the instance fetch a URL.
# custom:
#   id: imdsv2
#   severity: high
#   remediation: set http_tokens = "required" in metadata_options
#   resources:
#     aws_instance: [metadata_options.http_tokens, metadata_options.http_endpoint]
#     aws_launch_template: [metadata_options.http_tokens, metadata_options.http_endpoint]
#     aws_launch_configuration: [metadata_options.http_tokens, metadata_options.http_endpoint]
package penstock.operations.imdsv2

deny contains {"message": "the instance's metadata is open to IMDSv1", "attribute": "metadata_options"} if {
	not closed
}

closed if {
	some options in object.get(input.resource.values, "metadata_options", [])
	options.http_tokens == "required"
}

closed if {
	some options in object.get(input.resource.values, "metadata_options", [])
	options.http_endpoint == "disabled"
}
