package main

import (
	"context"
	"fmt"
	"slices"
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
	RequestURL *dagger.Secret
	// +private
	RequestToken *dagger.Secret
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
	// Where the forge hands out OIDC tokens, ACTIONS_ID_TOKEN_REQUEST_URL: in place of one token, which a long run outlives.
	// +optional
	oidcRequestUrl *dagger.Secret,
	// The right to ask for them there, ACTIONS_ID_TOKEN_REQUEST_TOKEN.
	// +optional
	oidcRequestToken *dagger.Secret,
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
	return &Planner{Module: p, Cloud: &Cloud{credentials, oidcToken, oidcRequestUrl, oidcRequestToken, variables, endpoint, creator}}
}

// on gives a container the rights of a cloud. What runs in it is never cached.
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
	if (c.RequestURL == nil) != (c.RequestToken == nil) || c.Token != nil && c.RequestURL != nil {
		return nil, nil, fmt.Errorf("reading the login: it is --oidc-token, or --oidc-request-url with --oidc-request-token")
	}
	if asks := c.asks(); asks != nil {
		container = container.WithSecretVariable("ACTIONS_ID_TOKEN_REQUEST_URL", c.RequestURL).
			WithSecretVariable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", c.RequestToken)
		args = append(args, asks...)
	}
	if c.Endpoint != nil {
		container = container.WithServiceBinding("cloud", c.Endpoint)
	}
	return container.With(anew), args, nil
}

// asks is the argument of a command that asks for its OIDC tokens, also of one that
// reaches nothing but a store.
func (c *Cloud) asks() []string {
	if c.RequestURL == nil {
		return nil
	}
	return []string{"--oidc-request"}
}

// anew keeps what runs in a container next from being answered from a cache: the
// world that it looks at changes without being told.
func anew(c *dagger.Container) *dagger.Container {
	return c.WithEnvVariable("PENSTOCK_CALL", time.Now().UTC().Format(time.RFC3339Nano))
}

// live runs a command of the program on the live units that changed since the base,
// with the rights of a cloud and with what else it needs. It returns the container
// that it ran in, and plans without a directory, for a command that makes any.
func (p *Penstock) live(ctx context.Context, cloud *Cloud, base, report string, command []string, needs ...dagger.WithContainerFunc) (*dagger.Container, *Planned, error) {
	selection, closure, err := p.selected(ctx, p.Units(base))
	if err != nil {
		return nil, nil, err
	}
	c, mirror := p.mirrored(p.workspace("terraform", closure, selection))
	for _, need := range needs {
		c = c.With(need)
	}
	c, login, err := cloud.on(c)
	if err != nil {
		return nil, nil, err
	}
	args := slices.Concat([]string{"penstock"}, command, []string{"--selection", "/selection"}, mirror, login)
	c, err = ran(ctx, command[0], report, c.WithExec(args, dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny}))
	return c, &Planned{Module: p, Cloud: cloud, Closure: closure, Selection: selection}, err
}

// where is which environments a command is about and which store it keeps things in.
func where(environments []string, store string) []string {
	var args []string
	if len(environments) > 0 {
		args = append(args, "--environment", strings.Join(environments, ","))
	}
	if store != "" {
		args = append(args, "--store", store)
	}
	return args
}
