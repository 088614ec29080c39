# METADATA
# title: Images are named by digest
# description: A tag can be moved; what was tested is then not what runs.
# custom:
#   id: image-by-digest
#   severity: high
#   remediation: set image.digest to the digest that the build printed
#   resources:
#     pod: [spec.containers.image, spec.initContainers.image, spec.ephemeralContainers.image]
package penstock.kubernetes.image

import data.penstock.kubernetes.containers

deny contains {"message": "the image is not named by digest", "attribute": sprintf("%s.image", [container.at])} if {
	some container in containers.all
	not regex.match(`^[^@]+@sha256:[0-9a-f]{64}$`, object.get(container.is, "image", ""))
}
