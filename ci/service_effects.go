package main

import (
	"context"
	"slices"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
)

// ServiceIam applies the capsule of what a service may do in an environment, and nothing
// else. It is never cached. CANCELLING IT KILLS TERRAFORM AT ONCE: call it again with
// recover afterwards.
//
// Example: dagger call --source=. applier --identity=env:IDENTITY --credentials=file:creds service-iam --env=dvlp assert
// +cache="never"
func (r *Applier) ServiceIam(
	ctx context.Context,
	// The environment, one of service.environments.
	env string,
	// Clean up after an apply that was killed, in place of applying.
	// +optional
	recover bool,
) (*Applied, error) {
	return r.stack(ctx, "service-iam", env, recover)
}

// ServiceIac applies the capsule of a service's infrastructure in an environment, and
// nothing else. It is never cached. CANCELLING IT KILLS TERRAFORM AT ONCE: call it again
// with recover afterwards.
//
// Example: dagger call --source=. applier --identity=env:IDENTITY --credentials=file:creds service-iac --env=dvlp assert
// +cache="never"
func (r *Applier) ServiceIac(
	ctx context.Context,
	// The environment, one of service.environments.
	env string,
	// Clean up after an apply that was killed, in place of applying.
	// +optional
	recover bool,
) (*Applied, error) {
	return r.stack(ctx, "service-iac", env, recover)
}

func (r *Applier) stack(ctx context.Context, stack, env string, recover bool) (*Applied, error) {
	command := []string{stack, "apply", "--identity", "/run/secrets/identity"}
	if recover {
		command = []string{stack, "recover"}
	}
	return r.onService(ctx, "terraform", env, command, nil)
}

// HelmDeploy releases the chart of a service in an environment. It is never cached.
// Cancelled, helm is killed at once: the next deploy repairs the release.
//
// Example: dagger call --source=. applier --identity=env:IDENTITY helm-deploy --env=dvlp --kubeconfig=file:config assert
// +cache="never"
func (r *Applier) HelmDeploy(
	ctx context.Context,
	// The environment, one of service.environments.
	env string,
	// The kubeconfig with which the cluster is reached.
	kubeconfig *dagger.Secret,
	// generated_helm_values.yaml, where the repository does not hold it.
	// +optional
	values *dagger.File,
	// Show what would change, and change nothing.
	// +optional
	dryRun bool,
	// A service that stands in for the cluster's API, reached as https://cluster with its port.
	// +optional
	cluster *dagger.Service,
) (*Applied, error) {
	command := []string{"helm-deploy"}
	if dryRun {
		command = append(command, "--dry-run")
	}
	return r.onService(ctx, "helm", env, command, inCluster(kubeconfig, values, cluster))
}

// HelmRollback brings back what was released before. It is never cached.
//
// Example: dagger call --source=. applier --identity=env:IDENTITY helm-rollback --env=dvlp --kubeconfig=file:config assert
// +cache="never"
func (r *Applier) HelmRollback(
	ctx context.Context,
	// The environment, one of service.environments.
	env string,
	// The kubeconfig with which the cluster is reached.
	kubeconfig *dagger.Secret,
	// A service that stands in for the cluster's API, reached as https://cluster with its port.
	// +optional
	cluster *dagger.Service,
) (*Applied, error) {
	return r.onService(ctx, "helm", env, []string{"helm-rollback"}, inCluster(kubeconfig, nil, cluster))
}

// ServiceDeploy brings a service into an environment: its image, its rights, its
// infrastructure, its values and its release, in this order. It is never cached.
// CANCELLING IT KILLS TERRAFORM AND HELM AT ONCE: what that leaves is repaired by the next run,
// or by recover of the stack.
//
// Example: dagger call --source=. applier --identity=env:IDENTITY service-deploy --env=dvlp --image=registry.example.com/shop/orders@sha256:... --kubeconfig=file:config report export --path=deploy
// +cache="never"
func (r *Applier) ServiceDeploy(
	ctx context.Context,
	// The environment, one of service.environments.
	env string,
	// The image by its digest: REGISTRY/REPOSITORY@sha256:...
	image string,
	// The kubeconfig with which the cluster is reached.
	kubeconfig *dagger.Secret,
	// The private key that signs capsules and attestations.
	key *dagger.Secret,
	// User and password of the registry.
	// +optional
	registryUser string,
	// +optional
	registryPassword *dagger.Secret,
	// A service that stands in for the registry, reached as registry with its port.
	// +optional
	registry *dagger.Service,
	// A service that stands in for the cluster's API, reached as https://cluster with its port.
	// +optional
	cluster *dagger.Service,
) (*Applied, error) {
	need := inCluster(kubeconfig, nil, cluster)
	return r.onService(ctx, "helm", env, []string{"service-deploy", "--image", image, "--identity", "/run/secrets/identity", "--key", "/run/secrets/key"},
		func(c *dagger.Container) *dagger.Container {
			return atRegistry(c.With(need), image, registryUser, registryPassword, registry).WithMountedSecret("/run/secrets/key", key).
				WithFile("/usr/local/bin/terraform", dag.Container().From(r.Module.image("terraform")).File(terraformIn))
		})
}

// terraformIn is where the image of terraform has it.
const terraformIn = "/bin/terraform"

// onService runs a command that changes the world, once.
func (r *Applier) onService(ctx context.Context, tool, env string, command []string, need dagger.WithContainerFunc) (*Applied, error) {
	needs := []dagger.WithContainerFunc{func(c *dagger.Container) *dagger.Container {
		return c.WithMountedSecret("/run/secrets/identity", r.Identity)
	}}
	if need != nil {
		needs = append(needs, need)
	}
	command = slices.Concat(command, []string{"--env", env, "--out", "/report"}, where(nil, r.Store))
	c, err := r.Module.onService(ctx, r.Cloud, tool, "/report/report.json", command, needs...)
	if err != nil {
		return nil, err
	}
	report := c.Directory("/report")
	_, err = report.Sync(ctx)
	return &Applied{Dir: report, Module: r.Module}, err
}

// inCluster gives a container the way to a cluster, and the values of a release.
func inCluster(kubeconfig *dagger.Secret, values *dagger.File, cluster *dagger.Service) dagger.WithContainerFunc {
	return func(c *dagger.Container) *dagger.Container {
		c = c.WithMountedSecret("/run/secrets/kubeconfig", kubeconfig).WithEnvVariable("KUBECONFIG", "/run/secrets/kubeconfig")
		if values != nil {
			c = c.WithFile("generated_helm_values.yaml", values)
		}
		if cluster != nil {
			c = c.WithServiceBinding("cluster", cluster)
		}
		return c
	}
}
