# METADATA
# title: Containers do not run as root
# description: Who leaves a container that runs as root is root on the node.
# custom:
#   id: container-not-root
#   severity: high
#   remediation: 'set runAsNonRoot: true in the security context of the pod, and no runAsUser of 0'
#   resources:
#     pod: [spec.securityContext, spec.containers.securityContext, spec.initContainers.securityContext, spec.ephemeralContainers.securityContext]
package penstock.kubernetes.user

import data.penstock.kubernetes.containers

deny contains {"message": "runAsNonRoot is not true", "attribute": container.at} if {
	some container in containers.all
	not bounded(container.is)
}

bounded(container) if containers.setting(container, "runAsNonRoot") == true

deny contains {"message": "it runs as user 0", "attribute": container.at} if {
	some container in containers.all
	containers.setting(container.is, "runAsUser") == 0
}
