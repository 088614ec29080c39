package penstock.kubernetes.image_test

import data.penstock.kubernetes.image

pod(containers) := {"resource": {"values": {"spec": containers}}}

digest := "registry.example.com/a@sha256:0000000000000000000000000000000000000000000000000000000000000000"

test_digest if {
	count(image.deny) == 0 with input as pod({"containers": [{"image": digest}], "initContainers": [{"image": digest}]})
}

test_tag if {
	every name in ["a", "a:1.0", "a:latest", "a@sha256:00", "a@sha512:0000000000000000000000000000000000000000000000000000000000000000", ""] {
		{n.attribute | some n in image.deny} == {"spec.containers.0.image"} with input as pod({"containers": [{"image": name}]})
	}
}

test_every_kind_of_container if {
	every field in ["containers", "initContainers", "ephemeralContainers"] {
		{n.attribute | some n in image.deny} == {sprintf("spec.%s.1.image", [field])} with input as pod({field: [{"image": digest}, {"image": "a:1"}]})
	}
}

test_no_image if {
	count(image.deny) == 1 with input as pod({"containers": [{}]})
}
