# The containers of a pod.
package penstock.kubernetes.containers

fields := {"containers", "initContainers", "ephemeralContainers"}

# all: each container with the place where it stands.
all contains {"at": sprintf("spec.%s.%d", [field, i]), "is": container, "field": field} if {
	some field in fields
	some i, container in object.get(input.resource.values.spec, field, [])
}

# setting: what a container's security context says, or else the pod's.
setting(container, name) := value if {
	value := container.securityContext[name]
} else := input.resource.values.spec.securityContext[name]
