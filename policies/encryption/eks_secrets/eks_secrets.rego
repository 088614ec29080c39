# METADATA
# title: Secrets of EKS clusters are encrypted with a key of KMS
# description: Otherwise whoever reads etcd or its backup reads them.
# custom:
#   id: eks-secrets-encrypted
#   severity: high
#   remediation: add encryption_config with resources = ["secrets"]
#   resources:
#     aws_eks_cluster: [encryption_config.resources]
package penstock.encryption.eks_secrets

deny contains {"message": "secrets are not encrypted with a key of KMS", "attribute": "encryption_config"} if {
	not encrypted
}

encrypted if {
	some block in object.get(input.resource.values, "encryption_config", [])
	"secrets" in block.resources
}
