package main

import (
	"context"
	"slices"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
)

// ReleasePlan says what a release would be: versions, why, and the changelog. It has no
// right to write.
//
// Example: dagger call --source=. release-plan --token=env:GITHUB_TOKEN summary
// +cache="never"
func (p *Penstock) ReleasePlan(
	ctx context.Context,
	// A token of the forge that may read, where not everybody may.
	// +optional
	token *dagger.Secret,
	// The remote that has the tags, by name or address.
	// +default="origin"
	remote string,
	// A service that stands in for the forge, reached as forge with its port.
	// +optional
	forge *dagger.Service,
) (*Run, error) {
	r := &Releaser{Module: p, Token: token, Remote: remote, Forge: forge}
	return r.on(ctx, []string{"release", "--dry-run", "--remote", remote})
}

// Releaser writes tags. Its token is a type of its own, so that no function for pull
// requests can be given it.
type Releaser struct {
	// +private
	Module *Penstock
	// +private
	Token *dagger.Secret
	// +private
	Creator []string
	// +private
	Remote string
	// +private
	Forge *dagger.Service
}

// Releaser takes the token that may push tags and read checks.
//
// Example: dagger call --source=. releaser --token=env:GITHUB_TOKEN release report export --path=release
func (p *Penstock) Releaser(
	// A token of the forge that may push tags and read checks.
	token *dagger.Secret,
	// Who releases and where: GITHUB_ACTOR=..., GITHUB_REPOSITORY=... and so on.
	// +optional
	creator []string,
	// The remote that has the tags, by name or address.
	// +default="origin"
	remote string,
	// A service that stands in for the forge, reached as forge with its port.
	// +optional
	forge *dagger.Service,
) *Releaser {
	return &Releaser{Module: p, Token: token, Creator: creator, Remote: remote, Forge: forge}
}

// Release tags every module whose content changed since its last tag, and records it.
// It is never cached, and can be repeated after it was killed.
//
// Example: dagger call --source=. releaser --token=env:GITHUB_TOKEN release --evidence=tests/report.json assert
// +cache="never"
func (r *Releaser) Release(
	ctx context.Context,
	// The report of the tests of exactly this commit.
	// +optional
	evidence *dagger.File,
) (*Run, error) {
	args := []string{"release", "--remote", r.Remote}
	if evidence == nil {
		return r.on(ctx, args)
	}
	return r.on(ctx, append(args, "--evidence", "/evidence/report.json"), func(c *dagger.Container) *dagger.Container {
		return c.WithMountedFile("/evidence/report.json", evidence)
	})
}

// Verify finds tags that were moved or deleted since they were released.
//
// Example: dagger call --source=. releaser --token=env:GITHUB_TOKEN verify assert
// +cache="never"
func (r *Releaser) Verify(ctx context.Context) (*Run, error) {
	return r.on(ctx, []string{"release", "verify", r.Remote})
}

// askpass answers git, which asks for a user and a password.
const askpass = `#!/bin/sh
case "$1" in
Username*) echo x-access-token ;;
*) cat /run/secrets/forge ;;
esac
`

// may gives a container the token, and who uses it.
func (r *Releaser) may(c *dagger.Container) *dagger.Container {
	c, _, err := (&Cloud{Variables: r.Creator}).on(c)
	if err != nil {
		return c.WithError(err.Error())
	}
	if r.Forge != nil {
		c = c.WithServiceBinding("forge", r.Forge)
	}
	if r.Token == nil {
		return c
	}
	return c.WithMountedSecret("/run/secrets/forge", r.Token).WithSecretVariable("GITHUB_TOKEN", r.Token).
		WithNewFile("/usr/local/bin/penstock-askpass", askpass, dagger.ContainerWithNewFileOpts{Permissions: 0o755}).
		WithEnvVariable("GIT_ASKPASS", "/usr/local/bin/penstock-askpass")
}

// on runs a command on the repository, its history and its tags.
func (r *Releaser) on(ctx context.Context, command []string, needs ...dagger.WithContainerFunc) (*Run, error) {
	c := r.Module.bare("golang").WithDirectory("/work", r.Module.Source).WithWorkdir(r.Module.inside()).With(r.may)
	for _, need := range needs {
		c = c.With(need)
	}
	args := slices.Concat([]string{"penstock"}, command, []string{"--out", "/report"})
	c, err := ran(ctx, command[0], "/report/report.json", c.WithExec(args, dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny}))
	if err != nil {
		return nil, err
	}
	return &Run{Dir: c.Directory("/report"), Module: r.Module}, nil
}
