package main

import (
	"context"
	"slices"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
)

// ReleasePlan says what a release would be: versions, why, and the changelog. It has no
// right to write.
//
// Example: dagger call --source=. release-plan summary
// +cache="never"
func (p *Penstock) ReleasePlan(ctx context.Context) (*Run, error) {
	return p.release(ctx, []string{"release", "--dry-run"}, anew)
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
) *Releaser {
	return &Releaser{Module: p, Token: token, Creator: creator}
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
	args, needs := []string{"release"}, []dagger.WithContainerFunc{r.may}
	if evidence != nil {
		args = append(args, "--evidence", "/evidence/report.json")
		needs = append(needs, func(c *dagger.Container) *dagger.Container {
			return c.WithMountedFile("/evidence/report.json", evidence)
		})
	}
	return r.Module.release(ctx, args, needs...)
}

// Verify finds tags that were moved or deleted since they were released.
//
// Example: dagger call --source=. releaser --token=env:GITHUB_TOKEN verify assert
// +cache="never"
func (r *Releaser) Verify(ctx context.Context) (*Run, error) {
	return r.Module.release(ctx, []string{"release", "verify"}, r.may)
}

// may gives a container the token, and who uses it.
func (r *Releaser) may(c *dagger.Container) *dagger.Container {
	c, _, err := (&Cloud{Variables: r.Creator}).on(c)
	if err != nil {
		return c.WithError(err.Error())
	}
	return c.WithMountedSecret("/run/secrets/forge", r.Token)
}

// release runs a command on the repository, its history and its tags.
func (p *Penstock) release(ctx context.Context, command []string, needs ...dagger.WithContainerFunc) (*Run, error) {
	c := p.bare("golang").WithDirectory("/work", p.Source).WithWorkdir(p.inside())
	for _, need := range needs {
		c = c.With(need)
	}
	args := slices.Concat([]string{"penstock"}, command, []string{"--out", "/report"})
	c, err := ran(ctx, command[0], "/report/report.json", c.WithExec(args, dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny}))
	if err != nil {
		return nil, err
	}
	return &Run{Dir: c.Directory("/report"), Module: p}, nil
}
