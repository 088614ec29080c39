package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
)

// Tester deploys, tests and undoes. Its rights are those of an account for tests, a
// type of their own: neither a Planner's nor an Applier's can be given to it.
type Tester struct {
	// +private
	Module *Penstock
	// +private
	Cloud *Cloud
	// +private
	States string
}

// Tester takes the rights to deploy tests and to undo them.
//
// Example: dagger call --source=. tester --credentials=file:creds --states=s3://tests/states terratest --base=origin/main assert
func (p *Penstock) Tester(
	// A file of credentials of AWS.
	// +optional
	credentials *dagger.Secret,
	// Where the forge hands out OIDC tokens, ACTIONS_ID_TOKEN_REQUEST_URL: by them the role
	// of the variable AWS_ROLE_ARN is assumed.
	// +optional
	oidcRequestUrl *dagger.Secret,
	// The right to ask for them there, ACTIONS_ID_TOKEN_REQUEST_TOKEN.
	// +optional
	oidcRequestToken *dagger.Secret,
	// Variables that the tests need, such as AWS_REGION=eu-west-1; never a secret.
	// +optional
	variables []string,
	// A service that stands in for the cloud, reached as http://cloud with its port.
	// +optional
	endpoint *dagger.Service,
	// Who tests and where: GITHUB_ACTOR=..., GITHUB_REPOSITORY=... and so on.
	// +optional
	creator []string,
	// Where what is deployed is kept until it is undone, s3://bucket/prefix; by default a
	// volume of this engine, which is gone with it.
	// +optional
	states string,
) *Tester {
	return &Tester{Module: p, Cloud: &Cloud{credentials, nil, oidcRequestUrl, oidcRequestToken, variables, endpoint, creator}, States: states}
}

// Terratest deploys and tests what changed since the base, and undoes it. It is never
// cached: each call is a run of its own. CANCELLING IT KILLS THE TESTS AT ONCE: nothing
// in the container hears of it. Call sweep afterwards: it undoes what they left.
//
// Example: dagger call --source=. tester --credentials=file:creds terratest --base=origin/main report export --path=tests
// +cache="never"
func (r *Tester) Terratest(
	ctx context.Context,
	// Branch, tag or commit to compare with; without it every unit is tested.
	// +optional
	base string,
	// Test only these units of those that are selected.
	// +optional
	units []string,
	// How many tests run at once; by default as penstock.yaml says.
	// +optional
	parallel int,
) (*Run, error) {
	command := []string{"terratest"}
	if base != "" {
		command = append(command, "--base", base)
	}
	for _, unit := range units {
		command = append(command, "--unit", unit)
	}
	if parallel > 0 {
		command = append(command, "--parallel", fmt.Sprint(parallel))
	}
	return r.effect(ctx, command)
}

// Nightly runs one shard of the whole suite. It is never cached, and killed like terratest.
//
// Example: dagger call --source=. tester --credentials=file:creds nightly --shard=3/8 report export --path=shard
// +cache="never"
func (r *Tester) Nightly(
	ctx context.Context,
	// The shard, NUMBER/COUNT.
	// +default="1/1"
	shard string,
) (*Run, error) {
	return r.effect(ctx, []string{"nightly", "--shard", shard})
}

// Sweep undoes what a run left that was killed. It is never cached.
//
// Example: dagger call --source=. tester --credentials=file:creds sweep --expired assert
// +cache="never"
func (r *Tester) Sweep(
	ctx context.Context,
	// The run to sweep.
	// +optional
	run string,
	// Sweep every run whose time to live is over.
	// +optional
	expired bool,
	// Say that the run is dead, where nothing else can tell: a container that was killed
	// leaves nothing that could be looked at.
	// +optional
	dead bool,
) (*Run, error) {
	command := []string{"sweep"}
	if run != "" {
		command = append(command, run)
	}
	if expired {
		command = append(command, "--expired")
	}
	if dead {
		command = append(command, "--dead")
	}
	return r.effect(ctx, command)
}

// effect runs a command that deploys or destroys, once, in the whole repository: what a
// test reads is not told by the catalog alone.
func (r *Tester) effect(ctx context.Context, command []string) (*Run, error) {
	c, mirror := r.Module.tested(), []string(nil)
	if command[0] != "sweep" || r.Module.Providers != nil {
		c, mirror = r.Module.mirrored(c)
	}
	states := r.States
	if states == "" {
		states = "/states"
		c = c.WithMountedCache(states, dag.CacheVolume("penstock-terratest-states"))
	}
	c, login, err := r.Cloud.on(c)
	if err != nil {
		return nil, err
	}
	args := slices.Concat([]string{"penstock"}, command, []string{"--states", states, "--out", "/report"}, mirror, login)
	c, err = ran(ctx, command[0], "/report/report.json", c.WithExec(args, dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny}))
	if err != nil {
		return nil, err
	}
	return &Run{Dir: c.Directory("/report"), Module: r.Module}, nil
}

// tested is a container with the repository, Go, and terraform.
func (p *Penstock) tested() *dagger.Container {
	terraform := dag.Container().From(p.image("terraform")).WithExec([]string{"sh", "-c", `cp "$(command -v terraform)" /terraform`}).File("/terraform")
	// The caches are not those that the program is built with: a test could write into them.
	return p.bare("golang").
		WithMountedCache("/go/pkg/mod", dag.CacheVolume("penstock-test-go-mod")).
		WithMountedCache("/root/.cache/go-build", dag.CacheVolume("penstock-test-go-build")).
		WithFile("/usr/local/bin/terraform", terraform, dagger.ContainerWithFileOpts{Permissions: 0o755}).
		WithDirectory("/work", p.Source).WithWorkdir(p.inside())
}
