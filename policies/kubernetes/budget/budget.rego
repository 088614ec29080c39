# METADATA
# title: What has replicas has a disruption budget that lets nodes be drained
# description: Without one, a drain may take all pods at once; with one that allows none, it never ends.
# custom:
#   id: disruption-budget
#   severity: medium
#   remediation: 'set disruptionBudget.enabled: true with maxUnavailable: 1'
#   resources:
#     Deployment: [namespace, metadata.name, spec.replicas, spec.template.metadata.labels]
#     StatefulSet: [namespace, metadata.name, spec.replicas, spec.template.metadata.labels]
#     PodDisruptionBudget: [spec.maxUnavailable, spec.minAvailable, spec.selector]
#   related:
#     PodDisruptionBudget: [namespace, spec.selector]
#     HorizontalPodAutoscaler: [namespace, spec.scaleTargetRef, spec.minReplicas]
package penstock.kubernetes.budget

import data.penstock.kubernetes.selector

deny contains {"message": "it has replicas and no disruption budget", "attribute": "spec"} if {
	input.resource.type in {"Deployment", "StatefulSet"}
	replicas > 1
	not budgeted
}

deny contains {"message": "the budget lets no pod be taken away", "attribute": sprintf("spec.%s", [field])} if {
	input.resource.type == "PodDisruptionBudget"
	some [field, none] in [["maxUnavailable", 0], ["maxUnavailable", "0"], ["maxUnavailable", "0%"], ["minAvailable", "100%"]]
	input.resource.values.spec[field] == none
}

default replicas := 1

replicas := scaled if {
	scaled := autoscaled
} else := input.resource.values.spec.replicas

autoscaled := max([object.get(scaler.values.spec, "minReplicas", 1) |
	some scaler in input.related.HorizontalPodAutoscaler
	scaler.values.namespace == input.resource.values.namespace
	scaler.values.spec.scaleTargetRef.kind == input.resource.type
	scaler.values.spec.scaleTargetRef.name == input.resource.name
])

budgeted if {
	some budget in input.related.PodDisruptionBudget
	budget.values.namespace == input.resource.values.namespace
	selector.matches(budget.values.spec.selector, object.get(input.resource.values, ["spec", "template", "metadata", "labels"], {}))
}
