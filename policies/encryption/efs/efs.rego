# METADATA
# title: EFS file systems are encrypted at rest
# description: Encryption cannot be switched on later.
# custom:
#   id: efs-encrypted
#   severity: high
#   remediation: set encrypted = true
#   resources:
#     aws_efs_file_system: [encrypted]
package penstock.encryption.efs

import data.penstock.lib.value

deny contains {"message": "the file system is not encrypted", "attribute": "encrypted"} if {
	not value.on(input.resource.values, "encrypted")
}
