# METADATA
# title: Caches are encrypted at rest and on the way
# description: A cache holds sessions and tokens.
# custom:
#   id: elasticache-encrypted
#   severity: high
#   remediation: set at_rest_encryption_enabled and transit_encryption_enabled to true
#   resources:
#     aws_elasticache_replication_group: [at_rest_encryption_enabled, transit_encryption_enabled]
package penstock.encryption.elasticache

import data.penstock.lib.value

deny contains {"message": "the cache is not encrypted at rest", "attribute": "at_rest_encryption_enabled"} if {
	not value.on(input.resource.values, "at_rest_encryption_enabled")
}

deny contains {"message": "the cache is not encrypted on the way", "attribute": "transit_encryption_enabled"} if {
	not value.on(input.resource.values, "transit_encryption_enabled")
}
