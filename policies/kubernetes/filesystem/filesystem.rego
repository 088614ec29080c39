# METADATA
# title: The root file system of containers is read-only
# description: Who gets into a container can then not change what it runs.
# custom:
#   id: read-only-root
#   severity: medium
#   remediation: 'set readOnlyRootFilesystem: true, and mount an emptyDir where files are written'
#   resources:
#     pod: [spec.containers.securityContext, spec.initContainers.securityContext, spec.ephemeralContainers.securityContext]
package penstock.kubernetes.filesystem

import data.penstock.kubernetes.containers

deny contains {"message": "the root file system can be written to", "attribute": container.at} if {
	some container in containers.all
	not container.is.securityContext.readOnlyRootFilesystem == true
}
