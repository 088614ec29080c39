# Everything here is one command that works without make too.
.PHONY: help demo test kill-test sweep-kill-test release-kill-test provider-test helm-kill-test engine-test bench lint

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## show a bad change to the example catalog being caught
	go run ./pipelines/cmd/penstock demo --stages terraform-fmt,compliance

test: ## run the tests; those that need a tool skip where it is absent
	go test ./...

kill-test: ## kill 100 applies at random moments, and recover each
	PENSTOCK_KILLS=100 go test -v -run TestKills -timeout 60m ./pipelines/live

helm-kill-test: ## kill 30 deploys at random moments, and let the next run repair each
	PENSTOCK_KILLS=30 go test -v -run TestKills -timeout 60m ./pipelines/helm

sweep-kill-test: ## kill 50 runs of tests at random moments, and sweep each
	PENSTOCK_KILLS=50 go test -v -run TestKills -timeout 60m ./pipelines/sweep

release-kill-test: ## kill 50 releases at random moments, and run each again
	PENSTOCK_LONG=1 go test -v -run Kill -timeout 60m ./pipelines/release

provider-test: ## plan, apply and undo services with the real AWS provider against moto (an hour)
	PENSTOCK_LONG=1 go test -v -timeout 90m -run 'Example|Roots|Trust|Service' ./pipelines/infratype ./pipelines/cmd/penstock

engine-test: ## call the Dagger module on the running engine
	.ci/engine

bench: ## measure side by side with peers and write bench/RESULTS.md
	go run ./bench

lint: ## vet and lint
	go vet ./...
	golangci-lint run
