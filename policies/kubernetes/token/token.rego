# METADATA
# title: A token of the Kubernetes API is mounted only where a role is bound
# description: A token that nothing needs is one that can be stolen. IRSA and Pod Identity mount their own.
# custom:
#   id: service-account-token
#   severity: medium
#   remediation: 'set automountServiceAccountToken: false'
#   resources:
#     pod: [namespace, spec.automountServiceAccountToken, spec.serviceAccountName, spec.containers.name]
#   related:
#     ServiceAccount: [namespace, metadata.name, automountServiceAccountToken]
#     RoleBinding: [namespace, subjects]
#     ClusterRoleBinding: [subjects]
package penstock.kubernetes.token

deny contains {"message": "a token is mounted, and no role is bound to its account here", "attribute": "spec.automountServiceAccountToken"} if {
	not unmounted
	not bound
}

account := object.get(input.resource.values.spec, "serviceAccountName", "default")

# The pod has the last word.
unmounted if input.resource.values.spec.automountServiceAccountToken == false

unmounted if {
	not "automountServiceAccountToken" in object.keys(input.resource.values.spec)
	some other in input.related.ServiceAccount
	other.values.metadata.name == account
	other.values.namespace == input.resource.values.namespace
	other.values.automountServiceAccountToken == false
}

bound if {
	some kind in ["RoleBinding", "ClusterRoleBinding"]
	some binding in input.related[kind]
	some subject in binding.values.subjects
	subject.kind == "ServiceAccount"
	subject.name == account
	object.get(subject, "namespace", object.get(binding.values, "namespace", "")) == input.resource.values.namespace
}
