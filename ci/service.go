package main

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
)

// onService runs a command of the program in the service's repository, with terraform,
// the rights of a cloud, and what else it needs.
func (p *Penstock) onService(ctx context.Context, cloud *Cloud, report string, command []string, needs ...dagger.WithContainerFunc) (*dagger.Container, error) {
	c, mirror := p.serviceDir("terraform"), []string(nil)
	if command[0] != "helm-values" && command[0] != "helm-deploy" && command[0] != "helm-rollback" && !slices.Contains(command, "recover") {
		c, mirror = p.mirrored(c)
	}
	if p.Bundle != nil && command[0] != "helm-rollback" { // what is brought back is in the cluster
		c, command = c.WithMountedDirectory("/bundle", p.Bundle), append(command, "--bundle", "/bundle")
	}
	c = c.With(p.atRegistry(ctx, "", "", nil, nil)) // what comes next may log in to one more
	for _, need := range needs {
		c = c.With(need)
	}
	c, login, err := cloud.on(c)
	if err != nil {
		return nil, err
	}
	if command[0] == "helm-deploy" || command[0] == "helm-rollback" {
		login = cloud.asks() // for the store alone: the cluster has credentials of its own
	}
	args := slices.Concat([]string{"penstock"}, command, mirror, login)
	return ran(ctx, command[0], report, c.WithExec(args, dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny}))
}

// serviceDir is a container with the service's whole repository: its commit counts.
func (p *Penstock) serviceDir(tool string) *dagger.Container {
	return p.bare(tool).WithDirectory("/work", p.Source).WithWorkdir(p.inside())
}

// ServiceIam plans what a service may do in an environment. It is never cached.
//
// Example: dagger call --source=. planner --credentials=file:creds service-iam --env=dvlp report export --path=plan
// +cache="never"
func (r *Planner) ServiceIam(
	ctx context.Context,
	// The environment, one of service.environments.
	env string,
	// Branch, tag or commit to compare with: who may read, sign and approve is as it is there.
	// +optional
	base string,
) (*ServicePlan, error) {
	return r.stack(ctx, "service-iam", env, base)
}

// ServiceIac plans a service's infrastructure in an environment. It is never cached.
//
// Example: dagger call --source=. planner --credentials=file:creds service-iac --env=dvlp report export --path=plan
// +cache="never"
func (r *Planner) ServiceIac(
	ctx context.Context,
	// The environment, one of service.environments.
	env string,
	// Branch, tag or commit to compare with: who may read, sign and approve is as it is there.
	// +optional
	base string,
) (*ServicePlan, error) {
	return r.stack(ctx, "service-iac", env, base)
}

// ServicePlan is the plan of a stack of a service. It holds secrets, but for the report and the page.
type ServicePlan struct {
	// +private
	Planned *Planned
	// +private
	Stack string
	// +private
	Args []string
}

func (r *Planner) stack(ctx context.Context, stack, env, base string) (*ServicePlan, error) {
	args := append([]string{"--env", env}, since(base)...)
	c, err := r.Module.onService(ctx, r.Cloud, "/plans/report/report.json", slices.Concat([]string{stack, "plan", "--out", "/plans"}, args))
	if err != nil {
		return nil, err
	}
	return &ServicePlan{Planned: &Planned{Module: r.Module, Cloud: r.Cloud, Dir: c.Directory("/plans")}, Stack: stack, Args: args}, nil
}

// Report is a directory with the report in every format and the page of the plan.
// Nothing in it is secret.
func (r *ServicePlan) Report() *dagger.Directory { return r.Planned.Report() }

// Page is the page for a comment on a pull request.
func (r *ServicePlan) Page(ctx context.Context) (string, error) { return r.Planned.Page(ctx) }

// Assert fails with the exit code of the verdict.
func (r *ServicePlan) Assert(ctx context.Context) (string, error) { return r.Planned.Assert(ctx) }

// Seal makes a capsule of the plan and keeps it in the store. The key is mounted into a
// container of its own, in which neither terraform nor a provider runs.
//
// Example: dagger call --source=. planner --credentials=file:creds service-iac --env=prod seal --key=file:signing.pem report export --path=plan
// +cache="never"
func (r *ServicePlan) Seal(
	ctx context.Context,
	// The private key to sign with.
	key *dagger.Secret,
	// Address of the store; by default live.store of penstock.yaml.
	// +optional
	store string,
) (*ServicePlan, error) {
	p := r.Planned.Module
	c := p.serviceDir("golang").With(p.atRegistry(ctx, "", "", nil, nil)).WithDirectory("/plans", r.Planned.Dir).WithMountedSecret("/run/secrets/key", key)
	args := slices.Concat([]string{"penstock", r.Stack, "seal", "--plans", "/plans", "--key", "/run/secrets/key", "--json"}, r.Args, where(nil, store), r.Planned.Cloud.asks())
	if p.Bundle != nil {
		c, args = c.WithMountedDirectory("/bundle", p.Bundle), append(args, "--bundle", "/bundle")
	}
	c, _, err := r.Planned.Cloud.on(c)
	if err != nil {
		return nil, err
	}
	planned := *r.Planned
	planned.Dir = c.WithExec(args, dagger.ContainerWithExecOpts{RedirectStdout: "/plans/report/capsules.json"}).Directory("/plans")
	if _, err = planned.Dir.Sync(ctx); err != nil {
		return nil, err
	}
	return &ServicePlan{Planned: &planned, Stack: r.Stack, Args: r.Args}, nil
}

// HelmValues looks up what the stacks have published, for generated_helm_values.yaml. It is never cached.
//
// Example: dagger call --source=. planner --credentials=file:creds helm-values --env=dvlp file export --path=generated_helm_values.yaml
// +cache="never"
func (r *Planner) HelmValues(
	ctx context.Context,
	// The environment, one of service.environments.
	env string,
	// The digest of the image, sha256:..., or its reference by digest.
	// +optional
	image string,
) (*Values, error) {
	command := []string{"helm-values", "--env", env, "--out", generated, "--report", "/values"}
	if image != "" {
		command = append(command, "--image-digest", image[strings.LastIndex(image, "@")+1:])
	}
	c, err := r.Module.onService(ctx, r.Cloud, "/values/report.json", command, func(c *dagger.Container) *dagger.Container {
		return c.WithDirectory("/values", dag.Directory())
	})
	if err != nil {
		return nil, err
	}
	return &Values{Run: &Run{Dir: c.Directory("/values"), Module: r.Module}}, nil
}

const generated = "/values/generated_helm_values.yaml"

// Values are what was looked up for the chart of a service. No secret is among them.
type Values struct {
	// +private
	Run *Run
}

// Report is a directory with the report in every format, and generated_helm_values.yaml
// where it was written: it is not where a value is missing, and where the part is left out.
func (v *Values) Report() *dagger.Directory { return v.Run.Report() }

// Summary is the report as text.
func (v *Values) Summary(ctx context.Context) (string, error) { return v.Run.Summary(ctx) }

// Assert fails with the exit code of the verdict. That the part is left out is no failure.
func (v *Values) Assert(ctx context.Context) (string, error) { return v.Run.Assert(ctx) }

// File is generated_helm_values.yaml. Without one the error says what the report says:
// all that is missing, or why the part is left out.
func (v *Values) File(ctx context.Context) (*dagger.File, error) {
	name := path.Base(generated)
	written, err := v.Run.Dir.Exists(ctx, name)
	if err != nil {
		return nil, err
	}
	if written {
		return v.Run.Dir.File(name), nil
	}
	said, err := v.Summary(ctx)
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("looking values up: there is no %s: %s", name, strings.TrimSpace(said))
}
