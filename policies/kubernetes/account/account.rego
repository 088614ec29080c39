# METADATA
# title: Pods have an account of their own
# description: What is granted to the default account is granted to everything in the namespace.
# custom:
#   id: service-account-own
#   severity: medium
#   remediation: set serviceAccountName to an account that is made for the service
#   resources:
#     pod: [spec.serviceAccountName, spec.serviceAccount, spec.containers.name]
package penstock.kubernetes.account

deny contains {"message": "it runs as the default account of its namespace", "attribute": "spec"} if {
	spec := input.resource.values.spec
	object.get(spec, "serviceAccountName", object.get(spec, "serviceAccount", "")) in {"", "default"}
}
