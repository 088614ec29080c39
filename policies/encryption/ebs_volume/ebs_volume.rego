# METADATA
# title: EBS volumes are encrypted at rest
# description: A snapshot of an unencrypted volume can be read by whoever gets hold of it.
# custom:
#   id: ebs-volume-encrypted
#   severity: high
#   remediation: set encrypted = true
#   resources:
#     aws_ebs_volume: [encrypted]
package penstock.encryption.ebs_volume

import data.penstock.lib.value

deny contains {"message": "the volume is not encrypted", "attribute": "encrypted"} if {
	not value.on(input.resource.values, "encrypted")
}
