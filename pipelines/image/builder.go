package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// ErrBuilder says that there is no builder that works here.
var ErrBuilder = errors.New("there is no builder that works here")

// ErrBuild says that a builder ran, and the Dockerfile did not build.
var ErrBuild = errors.New("the build failed")

const hintBuilder = "build it in a container: dagger call docker-build; or start Docker, Podman or buildkitd"

// Dockerfile is what a builder on PATH is asked to build.
type Dockerfile struct {
	// Context is the directory of the build. File is relative to it. Default: Dockerfile.
	Context, File string
	// Target is the stage to build. Default: the last one.
	Target string
	// Platforms such as "linux/amd64". Default: that of the machine.
	Platforms []string
	// CacheFrom and CacheTo are caches by the words of BuildKit, such as
	// "type=registry,ref=REGISTRY/orders-cache". Podman is told of the reference alone.
	CacheFrom, CacheTo []string
	// Args are build arguments. They stay in the image's history: never a secret.
	Args map[string]string
}

func (d Dockerfile) file() string {
	if d.File == "" {
		return "Dockerfile"
	}
	return filepath.ToSlash(d.File)
}

// builder is a program that builds Dockerfiles.
type builder struct {
	name string
	// works asks it for something that needs its daemon, and says is what it answers:
	// another program may go by its name. argv builds into the layout.
	works []string
	says  string
	argv  func(d Dockerfile, layout string) [][]string
}

var builders = []builder{
	{"docker", []string{"docker", "buildx", "inspect", "--bootstrap"}, "Platforms:", one(buildxArgv)},
	{"podman", []string{"podman", "info"}, "host:", podmanArgv},
	{"buildctl", []string{"buildctl", "debug", "workers"}, "PLATFORMS", one(buildctlArgv)},
}

func one(argv func(Dockerfile, string) []string) func(Dockerfile, string) [][]string {
	return func(d Dockerfile, layout string) [][]string { return [][]string{argv(d, layout)} }
}

// buildxArgv makes no attestations: ours are made of what the builder wrote, the same
// for every builder.
func buildxArgv(d Dockerfile, layout string) []string {
	argv := []string{"docker", "buildx", "build", "--progress=plain", "--provenance=false", "--sbom=false", "--file", filepath.Join(d.Context, d.file())}
	argv = append(argv, d.flags("--target", "--platform", "--cache-from", "--cache-to", "--build-arg")...)
	return append(argv, "--output", "type=oci,dest="+layout+",tar=false", d.Context)
}

func podmanArgv(d Dockerfile, layout string) [][]string {
	list := "localhost/penstock-" + filepath.Base(filepath.Dir(layout)) // a name of its own
	argv := []string{"podman", "build", "--format", "oci", "--manifest", list, "--file", filepath.Join(d.Context, d.file())}
	plain := d
	plain.CacheFrom, plain.CacheTo = references(d.CacheFrom), references(d.CacheTo)
	argv = append(argv, plain.flags("--target", "--platform", "--cache-from", "--cache-to", "--build-arg")...)
	return [][]string{append(argv, d.Context), {"podman", "manifest", "push", "--all", "--format", "oci", list, "oci:" + layout}, {"podman", "manifest", "rm", list}}
}

func buildctlArgv(d Dockerfile, layout string) []string {
	file := filepath.Join(d.Context, d.file())
	argv := []string{"buildctl", "build", "--progress=plain", "--frontend", "dockerfile.v0", "--local", "context=" + d.Context,
		"--local", "dockerfile=" + filepath.Dir(file), "--opt", "filename=" + filepath.Base(file)}
	if d.Target != "" {
		argv = append(argv, "--opt", "target="+d.Target)
	}
	if len(d.Platforms) > 0 {
		argv = append(argv, "--opt", "platform="+strings.Join(d.Platforms, ","))
	}
	for _, name := range sortedKeys(d.Args) {
		argv = append(argv, "--opt", "build-arg:"+name+"="+d.Args[name])
	}
	for _, c := range d.CacheFrom {
		argv = append(argv, "--import-cache", c)
	}
	for _, c := range d.CacheTo {
		argv = append(argv, "--export-cache", c)
	}
	return append(argv, "--output", "type=oci,dest="+layout+",tar=false")
}

// flags are those that docker and podman have in common.
func (d Dockerfile) flags(target, platform, from, to, arg string) []string {
	var argv []string
	if d.Target != "" {
		argv = append(argv, target, d.Target)
	}
	if len(d.Platforms) > 0 {
		argv = append(argv, platform, strings.Join(d.Platforms, ","))
	}
	for _, c := range d.CacheFrom {
		argv = append(argv, from, c)
	}
	for _, c := range d.CacheTo {
		argv = append(argv, to, c)
	}
	for _, name := range sortedKeys(d.Args) {
		argv = append(argv, arg, name+"="+d.Args[name])
	}
	return argv
}

// references are the caches that Podman understands: those in a registry.
func references(caches []string) []string {
	var found []string
	for _, c := range caches {
		fields := strings.Split(c, ",")
		if i := slices.IndexFunc(fields, func(f string) bool { return strings.HasPrefix(f, "ref=") }); i >= 0 {
			found = append(found, strings.TrimPrefix(fields[i], "ref="))
		} else if !strings.Contains(c, "=") {
			found = append(found, c)
		}
	}
	return found
}

// build runs the first builder that works, and returns what it built.
func (d Dockerfile) build(ctx context.Context) (root manifest, name string, done func(), err error) {
	done = func() {}
	if d.Context, err = filepath.Abs(d.Context); err != nil {
		return nil, "", done, err
	}
	if _, err := os.Stat(filepath.Join(d.Context, d.file())); err != nil {
		return nil, "", done, &pipelines.Error{Err: fmt.Errorf("reading the Dockerfile: %w", err), Hint: "name it with --file, relative to the directory of the build"}
	}
	b, err := findBuilder(ctx)
	if err != nil {
		return nil, "", done, err
	}
	dir, err := os.MkdirTemp("", "penstock-build-")
	if err != nil {
		return nil, "", done, err
	}
	done = func() { _ = os.RemoveAll(dir) }
	layout := filepath.Join(dir, "layout")
	for _, argv := range b.argv(d, layout) {
		out, err := process.Run(ctx, process.Command{Argv: argv, Dir: d.Context, Env: builderEnvironment()})
		if err == nil && out.Exit != 0 {
			err = fmt.Errorf("%w: %s", ErrBuild, tail(out))
		}
		if err != nil {
			done()
			return nil, b.name, func() {}, err
		}
	}
	c, err := readLayout(layout)
	if err != nil {
		done()
		return nil, b.name, func() {}, fmt.Errorf("reading what %s built: %w", b.name, err)
	}
	return c.root, b.name, done, nil
}

// findBuilder looks for a builder whose daemon answers.
func findBuilder(ctx context.Context) (builder, error) {
	var why []string
	for _, b := range builders {
		if _, err := exec.LookPath(b.works[0]); err != nil {
			why = append(why, b.name+" is not on PATH")
			continue
		}
		out, err := process.Run(ctx, process.Command{Argv: b.works, Env: builderEnvironment()})
		if ctx.Err() != nil {
			return builder{}, err
		}
		if err == nil && out.Exit == 0 && strings.Contains(string(out.Stdout), b.says) {
			return b, nil
		}
		why = append(why, b.name+" does not answer: "+tail(out))
	}
	return builder{}, &pipelines.Error{Err: fmt.Errorf("looking for a builder: %w: %s", ErrBuilder, strings.Join(why, "; ")), Hint: hintBuilder}
}

// tail is the end of what a program said, where its error stands.
func tail(out process.Output) string {
	text := strings.TrimSpace(string(out.Stderr))
	if text == "" {
		text = strings.TrimSpace(string(out.Stdout))
	}
	if len(text) > 600 {
		text = "..." + text[len(text)-600:]
	}
	return printable.Text(text, 700)
}
