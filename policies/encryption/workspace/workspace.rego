# METADATA
# title: Volumes of WorkSpaces are encrypted at rest
# description: Both the root volume and the user's, which cannot be changed later.
# custom:
#   id: workspace-encrypted
#   severity: high
#   remediation: set root_volume_encryption_enabled and user_volume_encryption_enabled to true
#   resources:
#     aws_workspaces_workspace: [root_volume_encryption_enabled, user_volume_encryption_enabled]
package penstock.encryption.workspace

import data.penstock.lib.value

deny contains {"message": "the volume is not encrypted", "attribute": name} if {
	some name in ["root_volume_encryption_enabled", "user_volume_encryption_enabled"]
	not value.on(input.resource.values, name)
}
