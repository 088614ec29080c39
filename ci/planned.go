package main

import (
	"context"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
)

// Planned are plans that were made. They hold secrets, but for the report and the pages.
type Planned struct {
	// +private
	Module *Penstock
	// +private
	Cloud *Cloud
	// +private
	Dir *dagger.Directory
	// +private
	Closure *dagger.Directory
	// +private
	Selection *dagger.Directory
}

// Plan plans the live units that changed since the base, in each environment. It is
// never cached. Cancelled, it is killed at once: a lock of the state that it held
// goes with its lease, or is shown by the next plan.
//
// Example: dagger call --source=. planner --credentials=file:creds plan --base=origin/main report export --path=plan
// +cache="never"
func (r *Planner) Plan(
	ctx context.Context,
	// Branch, tag or commit to compare with; without it every live unit is planned.
	// +optional
	base string,
	// Environments to plan in; by default all of them.
	// +optional
	environments []string,
) (*Planned, error) {
	command := append([]string{"plan", "--out", "/plans"}, where(environments, "")...)
	c, plans, err := r.Module.live(ctx, r.Cloud, base, "/plans/report/report.json", command)
	if err != nil {
		return nil, err
	}
	plans.Dir = c.Directory("/plans")
	return plans, nil
}

// Report is a directory with the report in every format and the pages of the plan.
// Nothing in it is secret.
func (r *Planned) Report() *dagger.Directory {
	return r.Dir.Directory("report").
		WithFile("page.md", r.Dir.File("page.md")).
		WithFile("summary.md", r.Dir.File("summary.md"))
}

// Page is the page for a comment on a pull request.
func (r *Planned) Page(ctx context.Context) (string, error) {
	return r.Dir.File("page.md").Contents(ctx)
}

// Assert fails with the exit code of the verdict.
func (r *Planned) Assert(ctx context.Context) (string, error) {
	return (&Run{Dir: r.Report(), Module: r.Module}).Assert(ctx)
}

// Seal makes capsules of the plans and keeps them in the store. The key is mounted
// into a container of its own, in which neither terraform nor a provider runs.
//
// Example: dagger call --source=. planner --credentials=file:creds plan --base=origin/main seal --key=file:signing.pem report export --path=plan
// +cache="never"
func (r *Planned) Seal(
	ctx context.Context,
	// The private key to sign with.
	key *dagger.Secret,
	// Address of the store; by default live.store of penstock.yaml.
	// +optional
	store string,
) (*Planned, error) {
	c := r.Module.bare("golang").
		WithMountedDirectory("/work", r.Closure).
		WithMountedDirectory("/selection", r.Selection).
		WithDirectory("/plans", r.Dir).
		WithMountedSecret("/run/secrets/key", key).
		WithWorkdir(r.Module.inside())
	c, _, err := r.Cloud.on(c)
	if err != nil {
		return nil, err
	}
	args := []string{"penstock", "capsule", "seal", "--selection", "/selection", "--plans", "/plans", "--key", "/run/secrets/key", "--json"}
	if store != "" {
		args = append(args, "--store", store)
	}
	args = append(args, r.Cloud.asks()...)
	c = c.WithExec(args, dagger.ContainerWithExecOpts{RedirectStdout: "/plans/report/capsules.json"})
	sealed := *r
	sealed.Dir = c.Directory("/plans")
	_, err = sealed.Dir.Sync(ctx)
	return &sealed, err
}

// AssertReport fails with the exit code of a report that was exported before.
//
// Example: dagger call assert-report --report=plan/report.json
func (p *Penstock) AssertReport(ctx context.Context, report *dagger.File) (string, error) {
	return (&Run{Dir: dag.Directory().WithFile("report.json", report), Module: p}).Assert(ctx)
}
