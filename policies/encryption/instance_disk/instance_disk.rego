# METADATA
# title: Disks of instances are encrypted at rest
# description: The root device and each further one, since a snapshot takes them all.
# custom:
#   id: instance-disk-encrypted
#   severity: high
#   remediation: set encrypted = true in root_block_device and in each ebs_block_device
#   resources:
#     aws_instance: [root_block_device.encrypted, ebs_block_device.encrypted]
#     aws_launch_configuration: [root_block_device.encrypted, ebs_block_device.encrypted]
package penstock.encryption.instance_disk

import data.penstock.lib.value

deny contains {"message": "the root device is not encrypted", "attribute": "root_block_device"} if {
	not encrypted_root
}

encrypted_root if {
	some device in object.get(input.resource.values, "root_block_device", [])
	value.on(device, "encrypted")
}

deny contains {"message": "a further device is not encrypted", "attribute": "ebs_block_device"} if {
	some device in object.get(input.resource.values, "ebs_block_device", [])
	not value.on(device, "encrypted")
}
