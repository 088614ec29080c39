# METADATA
# title: Containers say what they need
# description: Without requests a pod lands on a node that is full; without a limit of memory it takes that of others.
# custom:
#   id: container-resources
#   severity: medium
#   remediation: set resources.requests.cpu, resources.requests.memory and resources.limits.memory
#   resources:
#     pod: [spec.containers.resources, spec.initContainers.resources]
package penstock.kubernetes.resources

import data.penstock.kubernetes.containers

deny contains {"message": sprintf("resources.%s.%s is not set", [of, name]), "attribute": container.at} if {
	some container in containers.all
	container.field != "ephemeralContainers"
	some [of, name] in [["requests", "cpu"], ["requests", "memory"], ["limits", "memory"]]
	not said(container.is, of, name)
}

said(container, of, name) if container.resources[of][name]

# What may be taken at most is requested where nothing else is said.
said(container, "requests", name) if container.resources.limits[name]
