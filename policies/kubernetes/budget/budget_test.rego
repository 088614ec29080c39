package penstock.kubernetes.budget_test

import data.penstock.kubernetes.budget

denied(kind, spec, budgets, scalers) := result if result := count(budget.deny) with input as {
	"resource": {"type": kind, "name": "orders", "values": {"namespace": "shop", "spec": object.union({"template": {"metadata": {"labels": {"app": "orders"}}}}, spec)}},
	"related": {"PodDisruptionBudget": [{"values": b} | some b in budgets], "HorizontalPodAutoscaler": [{"values": s} | some s in scalers]},
}

fits := {"namespace": "shop", "spec": {"selector": {"matchLabels": {"app": "orders"}}}}

scaler(kind, name, least) := {"namespace": "shop", "spec": {"scaleTargetRef": {"kind": kind, "name": name}, "minReplicas": least}}

test_one_pod if {
	denied("Deployment", {}, [], []) == 0
	denied("Deployment", {"replicas": 1}, [], []) == 0
	denied("Deployment", {"replicas": 3}, [], [scaler("Deployment", "orders", 1)]) == 0
}

test_budgeted if denied("StatefulSet", {"replicas": 2}, [fits], []) == 0

test_none if {
	denied("Deployment", {"replicas": 2}, [], []) == 1
	denied("Deployment", {}, [], [scaler("Deployment", "orders", 2)]) == 1
	denied("Deployment", {"replicas": 2}, [], [scaler("Deployment", "other", 1), scaler("StatefulSet", "orders", 1)]) == 1
}

test_of_others if {
	every other in [{"namespace": "other", "spec": fits.spec}, {"namespace": "shop", "spec": {"selector": {"matchLabels": {"app": "x"}}}}] {
		denied("Deployment", {"replicas": 2}, [other], []) == 1
	}
}

of_budget(spec) := result if result := {n.attribute | some n in budget.deny} with input as {"resource": {"type": "PodDisruptionBudget", "name": "a", "values": {"spec": spec}}, "related": {}}

test_drains if {
	of_budget({"maxUnavailable": 1}) == set()
	of_budget({"maxUnavailable": 0}) == {"spec.maxUnavailable"}
	of_budget({"maxUnavailable": "0%"}) == {"spec.maxUnavailable"}
	of_budget({"minAvailable": "100%"}) == {"spec.minAvailable"}
}
