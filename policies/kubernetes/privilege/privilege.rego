# METADATA
# title: Containers have no privileges
# description: The restricted profile of the pod security standards, without its rule on users.
# custom:
#   id: container-not-privileged
#   severity: critical
#   remediation: 'set allowPrivilegeEscalation: false, capabilities.drop: [ALL] and seccompProfile.type: RuntimeDefault'
#   resources:
#     pod: [spec.securityContext, spec.containers.securityContext, spec.initContainers.securityContext, spec.ephemeralContainers.securityContext]
package penstock.kubernetes.privilege

import data.penstock.kubernetes.containers

deny contains {"message": "the container is privileged", "attribute": sprintf("%s.securityContext.privileged", [container.at])} if {
	some container in containers.all
	container.is.securityContext.privileged == true
}

deny contains {"message": "allowPrivilegeEscalation is not false", "attribute": container.at} if {
	some container in containers.all
	not container.is.securityContext.allowPrivilegeEscalation == false
}

deny contains {"message": "capabilities are not dropped", "attribute": container.at} if {
	some container in containers.all
	not "ALL" in object.get(container.is, ["securityContext", "capabilities", "drop"], [])
}

deny contains {"message": sprintf("the capability %s is added", [added]), "attribute": sprintf("%s.securityContext.capabilities.add", [container.at])} if {
	some container in containers.all
	some added in container.is.securityContext.capabilities.add
	added != "NET_BIND_SERVICE"
}

deny contains {"message": "what is hidden of /proc is shown", "attribute": sprintf("%s.securityContext.procMount", [container.at])} if {
	some container in containers.all
	container.is.securityContext.procMount != "Default"
}

deny contains {"message": "system calls are not filtered: there is no seccomp profile", "attribute": container.at} if {
	some container in containers.all
	not filtered(container.is)
}

filtered(container) if containers.setting(container, "seccompProfile").type in {"RuntimeDefault", "Localhost"}
