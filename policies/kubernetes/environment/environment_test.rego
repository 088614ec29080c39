package penstock.kubernetes.environment_test

import data.penstock.kubernetes.environment

of_config(data_) := result if result := {n.attribute | some n in environment.deny} with input as {"resource": {"type": "ConfigMap", "values": {"data": data_}}}

of_pod(env) := result if result := {n.attribute | some n in environment.deny} with input as {"resource": {"type": "pod", "values": {"spec": {"containers": [{"env": env}]}}}}

test_plain if {
	of_config({"SQS_ORDERS_URL": "https://sqs.eu-west-1.amazonaws.com/1/orders", "TOKEN_TTL": "60", "SECRET_NAME": "a", "PASSWORD": ""}) == set()
	of_pod([{"name": "A", "value": "b"}, {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]) == set()
}

test_names if {
	every name in ["PASSWORD", "DB_PASSWORD", "db-password", "API_KEY", "apikey", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "client.secret", "CREDENTIALS"] {
		of_config({name: "x"}) == {sprintf("data.%s", [name])}
		of_pod([{"name": "A"}, {"name": name, "value": "x"}]) == {"spec.containers.0.env.1"}
	}
}

test_values if {
	every value in [
		"-----BEGIN RSA PRIVATE KEY-----\nMII", "AKIAABCDEFGHIJKLMNOP", "postgres://user:hunter2@db/orders",
		"ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "glpat-aaaaaaaaaaaaaaaaaaaa",
	] {
		of_config({"A": value}) == {"data.A"}
	}
}

test_a_reference_in_an_address if of_config({"A": "postgres://user:$(DB_PASSWORD)@db/orders"}) == set()
