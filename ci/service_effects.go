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
	// Branch, tag or commit to compare with: who may read, sign and approve is as it is there.
	// +optional
	base string,
) (*Applied, error) {
	return r.stack(ctx, "service-iam", env, base, recover)
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
	// Branch, tag or commit to compare with: who may read, sign and approve is as it is there.
	// +optional
	base string,
) (*Applied, error) {
	return r.stack(ctx, "service-iac", env, base, recover)
}

func (r *Applier) stack(ctx context.Context, stack, env, base string, recover bool) (*Applied, error) {
	command := []string{stack, "recover"}
	if !recover {
		opens, err := r.opens(stack)
		if err != nil {
			return nil, err
		}
		command = append([]string{stack, "apply"}, opens...)
	}
	command = append(command, since(base)...)
	if recover || r.Forge == nil {
		return r.onService(ctx, env, command, nil)
	}
	return r.onService(ctx, env, append(command, "--token-file", "/run/secrets/forge"), func(c *dagger.Container) *dagger.Container {
		return c.WithMountedSecret("/run/secrets/forge", r.Forge)
	})
}

// since compares with a base, where one is named.
func since(base string) []string {
	if base == "" {
		return nil
	}
	return []string{"--base", base}
}

// HelmDeploy releases the chart of a service in an environment. It is never cached.
// Cancelled, helm is killed at once: the next deploy repairs the release.
//
// Example: dagger call --source=. applier helm-deploy --env=dvlp --kubeconfig=file:config assert
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
	return r.onService(ctx, env, command, r.Module.inCluster(kubeconfig, values, cluster))
}

// HelmRollback brings back what was released before. It is never cached.
//
// Example: dagger call --source=. applier helm-rollback --env=dvlp --kubeconfig=file:config assert
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
	return r.onService(ctx, env, []string{"helm-rollback"}, r.Module.inCluster(kubeconfig, nil, cluster))
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
	// The image by its digest, REGISTRY/REPOSITORY@sha256:..., or by a tag, which is resolved once.
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
	// A service that stands in for the registry, reached as registry.localhost with its port.
	// +optional
	registry *dagger.Service,
	// A service that stands in for the cluster's API, reached as https://cluster with its port.
	// +optional
	cluster *dagger.Service,
	// Branch, tag or commit to compare with: who may read, sign and approve is as it is there.
	// +optional
	base string,
) (*Applied, error) {
	command := append([]string{"service-deploy", "--image", image, "--key", "/run/secrets/key"}, since(base)...)
	if r.Identity != nil { // an environment without gates needs none
		command = append(command, "--identity", "/run/secrets/identity")
	}
	need := r.Module.inCluster(kubeconfig, nil, cluster)
	return r.onService(ctx, env, command, func(c *dagger.Container) *dagger.Container {
		return c.With(need).With(r.Module.atRegistry(ctx, image, registryUser, registryPassword, registry)).WithMountedSecret("/run/secrets/key", key)
	})
}

// onService runs a command that changes the world, once.
func (r *Applier) onService(ctx context.Context, env string, command []string, need dagger.WithContainerFunc) (*Applied, error) {
	needs := []dagger.WithContainerFunc{r.withIdentity}
	if need != nil {
		needs = append(needs, need)
	}
	command = slices.Concat(command, []string{"--env", env, "--out", "/report"}, where(nil, r.Store))
	c, err := r.Module.onService(ctx, r.Cloud, "/report/report.json", command, needs...)
	if err != nil {
		return nil, err
	}
	report := c.Directory("/report")
	_, err = report.Sync(ctx)
	return &Applied{Dir: report, Module: r.Module}, err
}

// inCluster gives a container helm, kubectl, the way to a cluster, and the values of a release.
func (p *Penstock) inCluster(kubeconfig *dagger.Secret, values *dagger.File, cluster *dagger.Service) dagger.WithContainerFunc {
	return func(c *dagger.Container) *dagger.Container {
		c = c.WithFile("/usr/local/bin/helm", dag.Container().From(p.image("helm")).File("/usr/bin/helm")).
			WithFile("/usr/local/bin/kubectl", dag.Container().From(p.image("kubectl")).File("/bin/kubectl")).
			WithMountedSecret("/run/secrets/kubeconfig", kubeconfig).WithEnvVariable("KUBECONFIG", "/run/secrets/kubeconfig")
		if values != nil {
			c = c.WithFile("generated_helm_values.yaml", values)
		}
		if cluster != nil {
			c = c.WithServiceBinding("cluster", cluster)
		}
		return c
	}
}
