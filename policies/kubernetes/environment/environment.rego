# METADATA
# title: No secret stands in plain configuration
# description: Whoever may read a pod or a ConfigMap reads its variables. It is told by names and by what keys look like.
# custom:
#   id: no-secret-in-configuration
#   severity: critical
#   remediation: name it under secrets, as a reference, and change the value, for it was seen
#   resources:
#     pod: [spec.containers.env, spec.initContainers.env, spec.ephemeralContainers.env]
#     ConfigMap: [data, metadata.name]
package penstock.kubernetes.environment

import data.penstock.kubernetes.containers

deny contains {"message": sprintf("%s looks like a secret", [variable.name]), "attribute": sprintf("%s.env.%d", [container.at, i])} if {
	some container in containers.all
	some i, variable in container.is.env
	secret(variable.name, object.get(variable, "value", ""))
}

deny contains {"message": sprintf("%s looks like a secret", [key]), "attribute": sprintf("data.%s", [key])} if {
	input.resource.type == "ConfigMap"
	some key, value in input.resource.values.data
	secret(key, value)
}

secret(name, value) if {
	value != ""
	regex.match(`(?i)(^|[_.-])(password|passwd|passphrase|pwd|secret|token|credentials?|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key)$`, name)
}

secret(_, value) if regex.match(`-----BEGIN [A-Z ]*PRIVATE KEY`, value)

secret(_, value) if regex.match(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`, value)

secret(_, value) if regex.match(`\b(gh[pousr]_[A-Za-z0-9]{36}|glpat-[A-Za-z0-9_-]{20}|xox[abpr]-[A-Za-z0-9-]{10,})`, value)

secret(_, value) if regex.match(`[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@$]+@`, value)
