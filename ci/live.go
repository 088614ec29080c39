package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
)

// Planner plans live infrastructure with the right to read. It has no function
// that changes anything, and the rights of an Applier cannot be given to it.
type Planner struct {
	// +private
	Module *Penstock
	// +private
	Cloud *Cloud
}

// Cloud is how to reach a cloud: with which rights and settings.
type Cloud struct {
	// +private
	Credentials *dagger.Secret
	// +private
	Token *dagger.Secret
	// +private
	Variables []string
	// +private
	Endpoint *dagger.Service
	// +private
	Creator []string
}

// Planner takes the rights to plan: those of a role that reads.
//
// Example: dagger call --source=. planner --oidc-token=env:TOKEN plan --base=origin/main report export --path=plan
func (p *Penstock) Planner(
	// A file of credentials of AWS.
	// +optional
	credentials *dagger.Secret,
	// An OIDC token, by which the plan role of each environment is assumed.
	// +optional
	oidcToken *dagger.Secret,
	// Variables that the providers need, such as AWS_REGION=eu-west-1; never a secret.
	// +optional
	variables []string,
	// A service that stands in for the cloud, reached as http://cloud with its port.
	// +optional
	endpoint *dagger.Service,
	// Who plans and where: GITHUB_ACTOR=..., GITHUB_REPOSITORY=... and so on.
	// +optional
	creator []string,
) *Planner {
	return &Planner{Module: p, Cloud: &Cloud{credentials, oidcToken, variables, endpoint, creator}}
}

// on gives a container the rights of a cloud. What runs in it is never cached: the
// world that it looks at changes without being told.
func (c *Cloud) on(container *dagger.Container) (*dagger.Container, []string, error) {
	var args []string
	for _, pair := range append(append([]string{}, c.Variables...), c.Creator...) {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, nil, fmt.Errorf("reading variables: %q is not NAME=VALUE", pair)
		}
		container = container.WithEnvVariable(name, value)
	}
	if c.Credentials != nil {
		container = container.WithMountedSecret("/run/secrets/aws", c.Credentials).WithEnvVariable("AWS_SHARED_CREDENTIALS_FILE", "/run/secrets/aws")
	}
	if c.Token != nil {
		container = container.WithMountedSecret("/run/secrets/oidc", c.Token)
		args = append(args, "--oidc-token-file", "/run/secrets/oidc")
	}
	if c.Endpoint != nil {
		container = container.WithServiceBinding("cloud", c.Endpoint)
	}
	return container.WithEnvVariable("PENSTOCK_CALL", time.Now().UTC().Format(time.RFC3339Nano)), args, nil
}

// workspace is a container with the program, terraform, the closure of the
// selected units, and their selection.
func (p *Penstock) workspace(closure, selection *dagger.Directory) (*dagger.Container, []string) {
	c := p.bare("terraform").
		WithDirectory("/work", dag.Directory()).
		WithMountedDirectory("/work", closure).
		WithMountedDirectory("/selection", selection)
	var args []string
	if p.Providers != nil {
		c = c.WithMountedDirectory("/providers", p.Providers)
		args = append(args, "--provider-mirror", "/providers")
	}
	return c.WithExec([]string{"mkdir", "-p", p.inside()}).WithWorkdir(p.inside()), args
}
