# Label selectors, as the API server reads them.
package penstock.kubernetes.selector

# matches: each label and each expression holds; an empty selector matches all.
matches(selector, labels) if {
	every key, value in object.get(selector, "matchLabels", {}) {
		labels[key] == value
	}
	every expression in object.get(selector, "matchExpressions", []) {
		holds(expression, labels)
	}
}

holds(expression, labels) if {
	expression.operator == "In"
	labels[expression.key] in expression.values
}

holds(expression, labels) if {
	expression.operator == "NotIn"
	not object.get(labels, expression.key, null) in expression.values
}

holds(expression, labels) if {
	expression.operator == "Exists"
	labels[expression.key]
}

holds(expression, labels) if {
	expression.operator == "DoesNotExist"
	not labels[expression.key]
}
