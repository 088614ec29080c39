# METADATA
# title: Disks of launch templates are encrypted at rest
# description: What is launched from it is as it says.
# custom:
#   id: launch-template-encrypted
#   severity: high
#   remediation: set encrypted = true in the ebs block of each device mapping
#   resources:
#     aws_launch_template: [block_device_mappings.ebs.encrypted]
package penstock.encryption.launch_template

import data.penstock.lib.value

deny contains {"message": "a device is not encrypted", "attribute": "block_device_mappings"} if {
	some mapping in object.get(input.resource.values, "block_device_mappings", [])
	some disk in object.get(mapping, "ebs", [])
	not value.on(disk, "encrypted")
}
