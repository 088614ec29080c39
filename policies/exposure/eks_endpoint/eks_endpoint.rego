# METADATA
# title: The API of EKS clusters is not open to the whole world
# description: It is public, to all ranges, unless the configuration says otherwise.
# custom:
#   id: eks-endpoint-not-public
#   severity: high
#   remediation: set endpoint_public_access = false, or name ranges in public_access_cidrs
#   resources:
#     aws_eks_cluster: [vpc_config.endpoint_public_access, vpc_config.public_access_cidrs]
package penstock.exposure.eks_endpoint

import data.penstock.lib.cidr
import data.penstock.lib.value

deny contains {"message": "the cluster's API is open to the whole world", "attribute": "vpc_config"} if {
	some block in object.get(input.resource.values, "vpc_config", [{}])
	value.truthy(object.get(block, "endpoint_public_access", true))
	cidr.world(object.get(block, "public_access_cidrs", ["0.0.0.0/0"]))
}
