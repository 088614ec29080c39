package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
	"github.com/penstock-dev/penstock/pipelines"
)

// CompileTest compiles the service and runs its tests, with the language's own image.
//
// Example: dagger call --source=. compile-test report export --path=tests
func (p *Penstock) CompileTest(
	ctx context.Context,
	// The image with the language's tools; by default that of Go.
	// +optional
	image string,
) (*Run, error) {
	c := p.bare("golang")
	if image != "" {
		c = dag.Container().From(image).WithFile("/usr/local/bin/penstock", p.Program(), dagger.ContainerWithFileOpts{Permissions: 0o755})
	}
	c, err := ran(ctx, "compile-test", "/report/report.json", c.WithDirectory("/work", p.Source).WithWorkdir(p.inside()).
		WithExec([]string{"penstock", "compile-test", "--out", "/report"}, dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny}))
	if err != nil {
		return nil, err
	}
	return &Run{Dir: c.Directory("/report"), Module: p}, nil
}

// Image is an image of the service as an OCI layout.
type Image struct {
	// +private
	Module *Penstock
	// +private
	Dir *dagger.Directory
}

// DockerBuild builds the service's Dockerfile for each platform, and adds labels, SBOM
// and provenance.
//
// Example: dagger call --source=. docker-build --platforms=linux/amd64,linux/arm64 docker-push --repository=registry.example.com/shop/orders --tags=main
func (p *Penstock) DockerBuild(
	ctx context.Context,
	// Platforms such as linux/amd64; by default that of the engine.
	// +optional
	platforms []dagger.Platform,
	// The stage of the Dockerfile to build; by default the last one.
	// +optional
	target string,
	// The private key that signs the provenance; without it that is not signed.
	// +optional
	key *dagger.Secret,
) (*Image, error) {
	context := p.Source.Directory(p.Root).WithoutDirectory(".git")
	if len(platforms) == 0 {
		standard, err := dag.DefaultPlatform(ctx)
		if err != nil {
			return nil, err
		}
		platforms = []dagger.Platform{standard}
	}
	var variants []*dagger.Container
	for _, platform := range platforms {
		variants = append(variants, context.DockerBuild(dagger.DirectoryDockerBuildOpts{Platform: platform, Target: target}))
	}
	built := dag.Container().AsTarball(dagger.ContainerAsTarballOpts{PlatformVariants: variants, MediaTypes: dagger.ImageMediaTypesOcimediaTypes})
	args := []string{"penstock", "docker-build", "--layout", "/image", "--from-layout", "/built.tar"}
	c := p.serviceDir("golang").WithMountedFile("/built.tar", built)
	if key != nil {
		c, args = c.WithMountedSecret("/run/secrets/key", key), append(args, "--key", "/run/secrets/key")
	}
	made, err := c.WithExec(args).Directory("/image").Sync(ctx)
	if err != nil {
		return nil, err
	}
	return &Image{Module: p, Dir: made}, nil
}

// Layout is the OCI layout of the image.
func (i *Image) Layout() *dagger.Directory { return i.Dir }

// Scan asks a scanner on the image that holds one, and judges what it found.
//
// Example: dagger call --source=. docker-build scan --image=ghcr.io/aquasecurity/trivy:0.65.0 assert
func (i *Image) Scan(
	ctx context.Context,
	// The image with the scanner.
	image string,
) (*Run, error) {
	p := i.Module
	c := dag.Container().From(image).WithFile("/usr/local/bin/penstock", p.Program(), dagger.ContainerWithFileOpts{Permissions: 0o755}).
		WithMountedDirectory("/image", i.Dir).With(anew)
	c, err := ran(ctx, "image-scan", "/report/report.json",
		c.WithExec([]string{"penstock", "image-scan", "/image", "--out", "/report"}, dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny}))
	if err != nil {
		return nil, err
	}
	return &Run{Dir: c.Directory("/report"), Module: p}, nil
}

// DockerPush pushes the image by digest, and returns REPOSITORY@sha256:... It is never
// cached. Cancelled half-way it leaves no tag.
//
// Example: dagger call --source=. docker-build docker-push --repository=registry.example.com/shop/orders --tags=main
// +cache="never"
func (i *Image) DockerPush(
	ctx context.Context,
	// The repository, such as registry.example.com/shop/orders.
	repository string,
	// Tags to give; one that names another digest is refused.
	// +optional
	tags []string,
	// User and password of the registry.
	// +optional
	registryUser string,
	// +optional
	registryPassword *dagger.Secret,
	// A service that stands in for the registry, reached as registry.localhost with its port.
	// +optional
	registry *dagger.Service,
) (string, error) {
	args := []string{"penstock", "docker-push", "/image", repository}
	for _, tag := range tags {
		args = append(args, "--tag", tag)
	}
	c := i.Module.serviceDir("golang").With(i.Module.atRegistry(ctx, repository, registryUser, registryPassword, registry)).WithMountedDirectory("/image", i.Dir)
	return firstWord(c.With(anew).WithExec(args).Stdout(ctx))
}

// ImagePromote copies an image with all that refers to it, and returns what it is called
// there. It is never cached.
//
// Example: dagger call image-promote --from=registry.example.com/shop/orders@sha256:... --to=other.example.com/shop/orders:1.4.0
// +cache="never"
func (p *Penstock) ImagePromote(
	ctx context.Context,
	// REGISTRY/REPOSITORY@sha256:...
	from string,
	// REGISTRY/REPOSITORY:TAG
	to string,
	// User and password of the registry that is copied to.
	// +optional
	registryUser string,
	// +optional
	registryPassword *dagger.Secret,
	// A service that stands in for the registry, reached as registry.localhost with its port.
	// +optional
	registry *dagger.Service,
) (string, error) {
	c := p.serviceDir("golang").With(p.atRegistry(ctx, to, registryUser, registryPassword, registry))
	text, err := c.With(anew).WithExec([]string{"penstock", "image-promote", from, to, "--json"}).Stdout(ctx)
	if err != nil {
		return "", err
	}
	var promoted struct{ To, Digest string }
	if err := json.Unmarshal([]byte(text), &promoted); err != nil {
		return "", fmt.Errorf("reading what was promoted: %w", err)
	}
	repository, _, _ := strings.Cut(promoted.To, "@")
	return repository + "@" + promoted.Digest, nil
}

// BundlePublish packs the bundle of a directory and publishes it, and returns its digest.
// A version is never overwritten. It is never cached.
//
// Example: dagger call --source=. bundle-publish --version=1.4.0 --to=oci://registry.example.com/platform/bundle --key=env:BUNDLE_KEY
// +cache="never"
func (p *Penstock) BundlePublish(
	ctx context.Context,
	// The bundle's directory within the repository.
	// +default="bundle"
	directory string,
	// The version, such as 1.4.0 or a tag that ends with it.
	version string,
	// Where to: a directory, s3://BUCKET/PREFIX or oci://REGISTRY/REPOSITORY.
	to string,
	// The private key that signs it.
	key *dagger.Secret,
	// User and password of the registry.
	// +optional
	registryUser string,
	// +optional
	registryPassword *dagger.Secret,
	// An OIDC token, for a bucket: with it AWS_ROLE_ARN is assumed.
	// +optional
	oidcToken *dagger.Secret,
	// Where the forge hands out OIDC tokens, in place of one: ACTIONS_ID_TOKEN_REQUEST_URL.
	// +optional
	oidcRequestUrl *dagger.Secret,
	// The right to ask for them there, ACTIONS_ID_TOKEN_REQUEST_TOKEN.
	// +optional
	oidcRequestToken *dagger.Secret,
	// Variables such as AWS_REGION=eu-west-1; never a secret.
	// +optional
	variables []string,
	// A service that stands in for the registry, reached as registry.localhost with its port.
	// +optional
	registry *dagger.Service,
) (string, error) {
	c := p.serviceDir("golang").With(p.atRegistry(ctx, strings.TrimPrefix(to, "oci://"), registryUser, registryPassword, registry)).WithMountedSecret("/run/secrets/key", key)
	cloud := &Cloud{RequestURL: oidcRequestUrl, RequestToken: oidcRequestToken, Variables: variables}
	c, login, err := cloud.on(c)
	if err != nil {
		return "", err
	}
	if oidcToken != nil { // the SDK assumes AWS_ROLE_ARN with it by itself
		c = c.WithMountedSecret("/run/secrets/oidc", oidcToken).WithEnvVariable("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/secrets/oidc")
	}
	c = c.WithExec([]string{"penstock", "bundle", "pack", directory, "--version", version, "--key", "/run/secrets/key", "--out", "/dist"})
	return firstWord(c.WithExec(append([]string{"penstock", "bundle", "publish", "/dist", "--to", to}, login...)).Stdout(ctx))
}

// atRegistry gives a container the way to a registry, and a user's rights in it beside
// those of the module.
func (p *Penstock) atRegistry(ctx context.Context, ref, user string, password *dagger.Secret, registry *dagger.Service) dagger.WithContainerFunc {
	return func(c *dagger.Container) *dagger.Container {
		if registry == nil {
			registry = p.Registry
		}
		if registry != nil {
			c = c.WithServiceBinding("registry.localhost", registry)
		}
		if user == "" || password == nil {
			return c.With(p.loggedIn(ctx, "", ""))
		}
		host, _, _ := strings.Cut(ref, "/")
		plain, err := password.Plaintext(ctx)
		if err != nil {
			return c // the registry then says that it wants a login
		}
		return c.With(p.loggedIn(ctx, host, base64.StdEncoding.EncodeToString([]byte(user+":"+plain))))
	}
}

// loggedIn gives a container the logins of registries: those of the module, and one more
// where a host is named. They are a secret: they are in no layer.
func (p *Penstock) loggedIn(ctx context.Context, host, auth string) dagger.WithContainerFunc {
	return func(c *dagger.Container) *dagger.Container {
		config, plain := map[string]any{}, ""
		if p.RegistryConfig != nil {
			plain, _ = p.RegistryConfig.Plaintext(ctx)
		}
		if strings.TrimSpace(plain) != "" { // a workflow passes what it may not have
			if err := json.Unmarshal([]byte(plain), &config); err != nil {
				return c.WithError("reading --registry-config: it is not a config.json as docker login writes it")
			}
		}
		if host != "" {
			auths, _ := config["auths"].(map[string]any)
			if auths == nil {
				auths = map[string]any{}
			}
			auths[host] = map[string]string{"auth": auth}
			config["auths"] = auths
		}
		if len(config) == 0 {
			return c
		}
		text, err := json.Marshal(config)
		if err != nil {
			return c.WithError("writing the logins of registries: " + err.Error())
		}
		return c.WithMountedSecret("/run/secrets/docker/config.json", dag.SetSecret("registries-"+host, string(text))).WithEnvVariable("DOCKER_CONFIG", "/run/secrets/docker")
	}
}

// firstWord is the digest or the reference that a command prints first.
func firstWord(text string, err error) (string, error) {
	words := strings.Fields(text)
	if err == nil && len(words) == 0 {
		return "", fmt.Errorf("reading what was printed: it is empty, exit %d", pipelines.ExitNotRun)
	}
	if err != nil {
		return "", err
	}
	return words[0], nil
}
