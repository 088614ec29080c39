package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
)

// Applier changes live infrastructure. Its rights are a type of their own, so that
// a function for pull requests cannot be given them.
type Applier struct {
	// +private
	Module *Penstock
	// +private
	Cloud *Cloud
	// +private
	Identity *dagger.Secret
	// +private
	Store string
	// +private
	Forge *dagger.Secret
}

// Applier takes the rights to apply: those of a role that writes, and the identity
// that opens capsules, where what is called opens any.
//
// Example: dagger call --source=. applier --oidc-token=env:TOKEN --identity=env:IDENTITY apply --base=HEAD~1 report export --path=apply
func (p *Penstock) Applier(
	// The private key that opens capsules: needed by what applies one.
	// +optional
	identity *dagger.Secret,
	// A file of credentials of AWS.
	// +optional
	credentials *dagger.Secret,
	// An OIDC token, by which the apply role of each environment is assumed.
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
	// Who applies and where: GITHUB_ACTOR=..., GITHUB_REPOSITORY=... and so on.
	// +optional
	creator []string,
	// Address of the store; by default live.store of penstock.yaml.
	// +optional
	store string,
	// A token that may read the runs of the forge: who approved this one.
	// +optional
	token *dagger.Secret,
) *Applier {
	return &Applier{Module: p, Cloud: &Cloud{credentials, oidcToken, oidcRequestUrl, oidcRequestToken, variables, endpoint, creator}, Identity: identity, Store: store, Forge: token}
}

// Apply applies the capsules of the units that changed since the base, and nothing
// else. It is never cached. CANCELLING IT KILLS TERRAFORM AT ONCE: nothing in the
// container hears of it. Run recover afterwards: it says what was done.
//
// Example: dagger call --source=. applier --identity=env:IDENTITY --credentials=file:creds apply --base=HEAD~1 assert
// +cache="never"
func (r *Applier) Apply(
	ctx context.Context,
	// Branch, tag or commit to compare with; without it every live unit.
	// +optional
	base string,
	// Environments to apply in; by default all of them.
	// +optional
	environments []string,
) (*Applied, error) {
	opens, err := r.opens("apply")
	if err != nil {
		return nil, err
	}
	return r.effect(ctx, "apply", base, environments, append(opens, "--replanned", replanned)...)
}

// opens are the arguments of a command that opens capsules.
func (r *Applier) opens(what string) ([]string, error) {
	if r.Identity == nil {
		return nil, fmt.Errorf("running %s: it opens capsules, and there is no key: give --identity to applier", what)
	}
	return []string{"--identity", "/run/secrets/identity"}, nil
}

// withIdentity mounts the key that opens capsules, where there is one.
func (r *Applier) withIdentity(c *dagger.Container) *dagger.Container {
	if r.Identity == nil {
		return c
	}
	return c.WithMountedSecret("/run/secrets/identity", r.Identity)
}

// replanned is where an apply puts plans that nobody has reviewed.
const replanned = "/replanned"

// Recover cleans up after applies that were killed, and says what they did.
// +cache="never"
func (r *Applier) Recover(
	ctx context.Context,
	// Environments to look at; by default all of them.
	// +optional
	environments []string,
) (*Applied, error) {
	return r.effect(ctx, "recover", "", environments)
}

// Applied is what an effect came to.
type Applied struct {
	// +private
	Dir *dagger.Directory
	// +private
	Module *Penstock
	// +private
	New *Planned
}

// Replanned are plans that had to be made again and that nobody has reviewed: they
// can be sealed like those of a pull request.
func (r *Applied) Replanned() (*Planned, error) {
	if r.New == nil {
		return nil, fmt.Errorf("looking for plans that were made again: this was no apply")
	}
	return r.New, nil
}

// Report is a directory with the report in every format; findings do not fail it.
func (r *Applied) Report() *dagger.Directory { return r.Dir }

// Summary is the report as text.
func (r *Applied) Summary(ctx context.Context) (string, error) {
	return r.Dir.File("report.txt").Contents(ctx)
}

// Assert fails with the exit code of the verdict. Nothing is done again.
func (r *Applied) Assert(ctx context.Context) (string, error) {
	return (&Run{Dir: r.Dir, Module: r.Module}).Assert(ctx)
}

// effect runs a command that changes the world, once.
func (r *Applier) effect(ctx context.Context, name, base string, environments []string, more ...string) (*Applied, error) {
	command := slices.Concat([]string{name, "--out", "/report"}, where(environments, r.Store), more)
	needs := []dagger.WithContainerFunc{func(c *dagger.Container) *dagger.Container {
		return c.With(r.withIdentity).WithDirectory(replanned, dag.Directory())
	}}
	if r.Forge != nil && name == "apply" {
		command = append(command, "--token-file", "/run/secrets/forge")
		needs = append(needs, func(c *dagger.Container) *dagger.Container {
			return c.WithMountedSecret("/run/secrets/forge", r.Forge)
		})
	}
	c, again, err := r.Module.live(ctx, r.Cloud, base, "/report/report.json", command, needs...)
	if err != nil {
		return nil, err
	}
	report := c.Directory("/report")
	_, err = report.Sync(ctx)
	again.Dir = c.Directory(replanned).WithNewDirectory("report")
	return &Applied{Dir: report, Module: r.Module, New: again}, err
}
