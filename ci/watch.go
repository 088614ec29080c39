package main

import (
	"context"
	"fmt"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
)

// Drift looks whether live infrastructure is as its code says. It changes nothing but
// the records of the looks and, with a token, the issues. It is never cached.
//
// Example: dagger call --source=. planner --credentials=file:creds drift report export --path=drift
// +cache="never"
func (r *Planner) Drift(
	ctx context.Context,
	// Environments to look at; by default all of them.
	// +optional
	environments []string,
	// Look at this many targets only, those whose last look is longest ago.
	// +optional
	oldest int,
	// A token of the forge, with which an issue is kept for each target that drifts.
	// +optional
	issues *dagger.Secret,
	// Address of the store; by default live.store of penstock.yaml.
	// +optional
	store string,
) (*Applied, error) {
	command := append([]string{"drift", "--out", "/report"}, where(environments, store)...)
	var needs []dagger.WithContainerFunc
	if issues != nil {
		needs = append(needs, func(c *dagger.Container) *dagger.Container { return c.WithMountedSecret("/run/secrets/forge", issues) })
		command = append(command, "--issues", "--issues-token-file", "/run/secrets/forge")
	}
	if oldest > 0 {
		command = append(command, "--oldest", fmt.Sprint(oldest))
	}
	c, _, err := r.Module.live(ctx, r.Cloud, "", "/report/report.json", command, needs...)
	if err != nil {
		return nil, err
	}
	report := c.Directory("/report")
	_, err = report.Sync(ctx)
	return &Applied{Dir: report, Module: r.Module}, err
}

// Comment keeps one comment on a pull request as a page says. It is never cached.
//
// Example: dagger call comment --page=plan/page.md --pull=7 --repository=acme/live --token=env:GITHUB_TOKEN
// +cache="never"
func (p *Penstock) Comment(
	ctx context.Context,
	// The page, which begins with its marker.
	page *dagger.File,
	// The number of the pull request.
	pull int,
	// OWNER/NAME of the repository on the forge.
	repository string,
	// A token that may write to pull requests.
	token *dagger.Secret,
	// Address of the forge's API, where it is not GitHub's own.
	// +optional
	api string,
	// What tells this page from others on the same pull request, such as service-iac:dvlp.
	// +optional
	key string,
) (string, error) {
	args := []string{"penstock", "comment", "--pull", fmt.Sprint(pull), "--file", "/page.md", "--token-file", "/run/secrets/forge"}
	if key != "" {
		args = append(args, "--key="+key)
	}
	c := p.bare("golang").
		WithMountedFile("/page.md", page).
		WithMountedSecret("/run/secrets/forge", token).
		WithEnvVariable("GITHUB_REPOSITORY", repository).
		With(anew)
	if api != "" {
		c = c.WithEnvVariable("GITHUB_API_URL", api)
	}
	return c.WithExec(args).Stdout(ctx)
}

// CapsuleInspect shows the public part of a capsule, without saying who made it.
//
// Example: dagger call capsule-inspect --capsule=plan.capsule
func (p *Penstock) CapsuleInspect(ctx context.Context, capsule *dagger.File) (string, error) {
	return p.onCapsule(capsule).WithExec([]string{"penstock", "capsule", "inspect", "/plan.capsule"}).Stdout(ctx)
}

// CapsuleVerify fails unless somebody trusted made the capsule and it still holds.
// It is never cached: a capsule expires.
//
// Example: dagger call capsule-verify --capsule=plan.capsule --signers=ci=ed25519:...
// +cache="never"
func (p *Penstock) CapsuleVerify(
	ctx context.Context,
	capsule *dagger.File,
	// Public keys of those who are trusted, as KEY or NAME=KEY.
	signers []string,
) (string, error) {
	args := []string{"penstock", "capsule", "verify", "/plan.capsule"}
	for _, signer := range signers {
		args = append(args, "--signer", signer)
	}
	return p.onCapsule(capsule).With(anew).WithExec(args).Stdout(ctx)
}

func (p *Penstock) onCapsule(capsule *dagger.File) *dagger.Container {
	return p.bare("golang").WithMountedFile("/plan.capsule", capsule)
}
