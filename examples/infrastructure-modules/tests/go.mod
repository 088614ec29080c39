module example.com/infrastructure-modules/tests

go 1.26.1

require (
	github.com/gruntwork-io/terratest v1.0.1
	github.com/penstock-dev/penstock v0.0.0
)

// In this repository the harness is the one beside it; elsewhere it is a version's.
replace github.com/penstock-dev/penstock => ../../..
