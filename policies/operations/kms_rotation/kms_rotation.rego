# METADATA
# title: Keys of KMS are rotated
# description: A key that is never changed protects everything that it ever encrypted.
# custom:
#   id: kms-rotation
#   severity: medium
#   remediation: set enable_key_rotation = true
#   resources:
#     aws_kms_key: [enable_key_rotation, key_usage, customer_master_key_spec]
package penstock.operations.kms_rotation

import data.penstock.lib.value

deny contains {"message": "the key is not rotated", "attribute": "enable_key_rotation"} if {
	not value.on(input.resource.values, "enable_key_rotation")
	object.get(input.resource.values, "key_usage", "ENCRYPT_DECRYPT") == "ENCRYPT_DECRYPT"
	object.get(input.resource.values, "customer_master_key_spec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
}
