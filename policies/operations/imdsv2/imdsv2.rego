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

import data.penstock.lib.value

deny contains {"message": "the instance's metadata is open to IMDSv1", "attribute": "metadata_options"} if {
	not closed
	not undecided
}

# Either closes it, whatever the other is.
closed if {
	some options in blocks
	options.http_tokens == "required"
}

closed if {
	some options in blocks
	options.http_endpoint == "disabled"
}

unknown contains {"message": "it is not known whether the instance's metadata is open to IMDSv1", "attribute": "metadata_options"} if {
	not closed
	undecided
}

undecided if {
	some options in blocks
	value.undecided(options)
}

undecided if {
	some options in blocks
	some name in ["http_tokens", "http_endpoint"]
	value.undecided(options[name])
}

blocks := value.list(object.get(input.resource.values, "metadata_options", []))
