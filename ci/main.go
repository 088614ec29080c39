// Penstock judges infrastructure code in containers: the same stages, with the
// same names, arguments and report, as the penstock program runs on a laptop.
//
// A check selects the units that a change touches, runs the stages on them and
// returns a run, of which the report can be exported and the verdict asserted.
//
// Example: dagger call --source=. check --base=origin/main report export --path=report
package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
	"github.com/penstock-dev/penstock/pipelines/tools"
)

// Penstock is the module: what to judge, and what with.
type Penstock struct {
	// Repository with the catalog, with its .git.
	// +private
	Source *dagger.Directory
	// Directory of the catalog within the repository.
	// +private
	Root string
	// Images of the tools, by name, where they are not those of tools.json.
	// +private
	Images []string
	// The program, where it is not built from this module's source.
	// +private
	Built *dagger.File
	// Filesystem mirror of providers.
	// +private
	Providers *dagger.Directory
	// The platform's bundle, where it is not the one that penstock.yaml pins.
	// +private
	Bundle *dagger.Directory
	// Logins of registries.
	// +private
	RegistryConfig *dagger.Secret
	// What stands in for the registry of the bundle.
	// +private
	Registry *dagger.Service
}

// New takes the repository to judge.
func New(
	// The repository that holds the catalog, with its .git.
	// +defaultPath="/"
	source *dagger.Directory,
	// The catalog's directory within the repository.
	// +default="."
	root string,
	// The penstock program to run; by default it is built from this module's source.
	// +optional
	program *dagger.File,
	// A filesystem mirror of providers; by default they come from their registries.
	// +optional
	providers *dagger.Directory,
	// Images in place of those of tools.json, such as terraform=docker.io/hashicorp/terraform:1.11.4
	// +optional
	images []string,
	// The platform's bundle for the stages on a service; by default the one that penstock.yaml pins.
	// +optional
	bundle *dagger.Directory,
	// Logins of registries that bundles and images are in: a config.json as docker login writes it.
	// +optional
	registryConfig *dagger.Secret,
	// A service that stands in for the registry of the bundle, reached as registry.localhost with its port.
	// +optional
	registry *dagger.Service,
) (*Penstock, error) {
	for _, image := range images {
		name, ref, ok := strings.Cut(image, "=")
		if _, err := tools.Pinned(name); !ok || ref == "" || err != nil {
			return nil, fmt.Errorf("reading --images: %q is not TOOL=IMAGE of a tool in tools.json", image)
		}
	}
	return &Penstock{Source: source, Root: root, Images: images, Built: program, Providers: providers, Bundle: bundle, RegistryConfig: registryConfig, Registry: registry}, nil
}

// Program is the penstock program, built from this module's own source.
func (p *Penstock) Program() *dagger.File {
	if p.Built != nil {
		return p.Built
	}
	return dag.Container().From(p.image("golang")).
		WithMountedCache("/go/pkg/mod", dag.CacheVolume("penstock-go-mod")).
		WithMountedCache("/root/.cache/go-build", dag.CacheVolume("penstock-go-build")).
		WithDirectory("/src", dag.CurrentModule().Source().Directory("..")).
		WithWorkdir("/src").
		WithEnvVariable("CGO_ENABLED", "0").
		WithExec([]string{"go", "build", "-trimpath", "-buildvcs=false", "-o", "/out/penstock", "./pipelines/cmd/penstock"}).
		File("/out/penstock")
}

// image is the reference of a tool's image.
func (p *Penstock) image(name string) string {
	for _, image := range p.Images {
		if tool, ref, _ := strings.Cut(image, "="); tool == name {
			return ref
		}
	}
	tool, err := tools.Pinned(name)
	if err != nil {
		return name // the engine then says that there is no such image
	}
	return tool.Ref()
}

// Units selects the units that changed since the merge base with a branch, tag
// or commit, and writes the selection and what counts of the base.
//
// Example: dagger call --source=. units --base=origin/main file --path=selection.json contents
func (p *Penstock) Units(
	// Branch, tag or commit to compare with; without it every unit is selected.
	// +optional
	base string,
) *dagger.Directory {
	args := []string{"penstock", "units", "--export", "/selection"}
	if base != "" {
		args = append(args, "--base", base)
	}
	return p.bare("golang").
		WithMountedDirectory("/work", p.Source).
		WithWorkdir(p.inside()).
		WithExec(args).
		Directory("/selection")
}

func (p *Penstock) inside() string { return "/work/" + strings.TrimPrefix(p.Root, "./") }

// bare is a container with the program, on the image of a tool.
func (p *Penstock) bare(tool string) *dagger.Container {
	return dag.Container().From(p.image(tool)).WithFile("/usr/local/bin/penstock", p.Program(), dagger.ContainerWithFileOpts{Permissions: 0o755})
}

// Check runs the stages on the units that changed since the base.
//
// Example: dagger call --source=. check --base=origin/main --stages=terraform-fmt,compliance assert
func (p *Penstock) Check(
	ctx context.Context,
	// Branch, tag or commit to compare with; without it every unit is judged.
	// +optional
	base string,
	// The stages to run; by default all of them.
	// +optional
	stages []string,
	// Stages to leave out; the report says so.
	// +optional
	skip []string,
) (*Run, error) {
	return p.run(ctx, base, stages, skip)
}
