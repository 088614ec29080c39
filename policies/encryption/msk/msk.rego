# METADATA
# title: Kafka clusters encrypt between clients and brokers
# description: At rest MSK encrypts by itself; on the way it may be asked not to.
# custom:
#   id: msk-encrypted
#   severity: high
#   remediation: set client_broker to TLS, and leave in_cluster at true
#   resources:
#     aws_msk_cluster: [encryption_info.encryption_in_transit.client_broker, encryption_info.encryption_in_transit.in_cluster]
package penstock.encryption.msk

import data.penstock.lib.value

deny contains {"message": "clients may speak to brokers in plain text", "attribute": "encryption_info"} if {
	some transit in transits
	object.get(transit, "client_broker", "TLS") != "TLS"
}

deny contains {"message": "brokers speak to each other in plain text", "attribute": "encryption_info"} if {
	some transit in transits
	value.falsy(object.get(transit, "in_cluster", true))
}

transits := [transit |
	some block in object.get(input.resource.values, "encryption_info", [])
	some transit in object.get(block, "encryption_in_transit", [])
]
