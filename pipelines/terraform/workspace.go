package terraform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// Runner starts terraform or tofu for stages that plan and apply: in copies of
// units, under a CLI configuration and an environment of our own.
type Runner struct {
	// Program is the terraform or tofu to run. Default: terraform, else tofu, of PATH.
	Program string
	// Mirror is a filesystem mirror: the only place that providers come from when it is set.
	Mirror string
	// Allow are the providers that may be used. Default: those of hashicorp.
	Allow []string
	// Cache keeps the providers fetched from registries. Default: as in Validate.
	Cache string
	// VerifyProvidersOnce has each provider that a lock file names hashed once in
	// the life of the runner, and not by every call of terraform. It is for plans:
	// a workspace of such a runner refuses apply. Close removes what it keeps.
	VerifyProvidersOnce bool

	store    *store
	verified *verified // nil unless VerifyProvidersOnce
	tools    *sync.Map // by the path of a program, what it said of itself
}

// Workspace is a copy of one unit's closure, and where terraform keeps its data
// of it. It belongs to the caller, who removes Dir.
type Workspace struct {
	// Dir holds the copy and the data; Unit is the unit's directory in it.
	Dir, Unit string
	// Tool is the program and its version.
	Tool pipelines.Tool

	runner *Runner
	call   call
	env    []string
	grunt  []string // what calls the program in place of us, nil if nothing does
	// overrides are the directories of verified packages, by address.
	overrides map[string]string
	packages  []*providerPackage
}

// Open makes a runner ready.
func (r Runner) Open() (*Runner, error) {
	if len(r.Allow) == 0 {
		r.Allow = Hashicorp
	}
	s, err := Validate{Mirror: r.Mirror, Allow: r.Allow, Cache: r.Cache}.openStore()
	r.store, r.tools = s, &sync.Map{}
	if err == nil && r.VerifyProvidersOnce {
		r.verified, err = newVerified(s)
	}
	return &r, err
}

// Close removes the copies of providers that were verified, if there are any.
func (r *Runner) Close() error {
	if r.verified == nil {
		return nil
	}
	return r.verified.close()
}

// Workspace copies the closure of a unit of root to dir, which must not exist.
// The paths in it are short, because providers listen on sockets in them. env are
// more variables for every process, such as credentials.
func (r *Runner) Workspace(ctx context.Context, root string, unit pipelines.Unit, dir string, env []string) (*Workspace, error) {
	from, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	defer from.Close()
	src := filepath.Join(dir, "src")
	if err := copyUnit(from, unit, src); err != nil {
		return nil, err
	}
	found, err := look(src, unit.Path)
	switch {
	case err != nil:
		return nil, err
	case !found.configured && !grunts(src, unit):
		return nil, errors.New("there is no Terraform configuration in it")
	}
	named := r.Program
	if named == "" && found.tofu {
		named = "tofu"
	}
	p, err := find(named)
	if err != nil {
		return nil, err
	}
	if found.tofu && p.name != "opentofu" {
		return nil, &pipelines.Error{Err: fmt.Errorf("%s does not read the .tofu files of the unit", p.name),
			Hint: "install tofu (https://opentofu.org/docs/intro/install)"}
	}
	tool, err := r.tool(ctx, p)
	if err != nil {
		return nil, err
	}
	at := filepath.Join(src, filepath.FromSlash(unit.Path))
	grunt, err := p.terragrunt(at)
	if err != nil {
		return nil, err
	}
	return &Workspace{Dir: dir, Unit: at, Tool: tool, runner: r, env: env, grunt: grunt,
		call: call{program: p, dir: at, home: filepath.Join(dir, "t"), data: filepath.Join(dir, "d")}}, nil
}

// tool asks each program for its version once.
func (r *Runner) tool(ctx context.Context, p program) (pipelines.Tool, error) {
	if known, ok := r.tools.Load(p.path); ok {
		return known.(pipelines.Tool), nil
	}
	tool, err := p.tool(ctx)
	if err == nil {
		r.tools.Store(p.path, tool)
	}
	return tool, err
}

// Command is one call of terraform.
type Command struct {
	// Args follow the program's name.
	Args []string
	// Env are more variables for this call.
	Env []string
	// Stdout, Started and Grace are those of process.Command.
	Stdout  io.Writer
	Started func(pid int)
	Grace   time.Duration
}

// Run calls terraform in the unit. A non-zero exit is in the output, not an error.
func (w *Workspace) Run(ctx context.Context, c Command) (process.Output, error) {
	if w.runner.verified != nil {
		return w.runOnce(ctx, c)
	}
	return w.run(ctx, w.runner.store.readOnly(), c)
}

func (w *Workspace) run(ctx context.Context, from installation, c Command) (process.Output, error) {
	file, err := w.call.configure(from)
	if err != nil {
		return process.Output{}, err
	}
	env := slices.Concat(environment(w.call.home, file), w.env, c.Env)
	program := w.grunt
	if program == nil { // Terragrunt calls it on other units too, and has a directory for each
		program, env = []string{w.call.program.path}, append(env, "TF_DATA_DIR="+w.call.data)
	}
	return process.Run(ctx, process.Command{Argv: slices.Concat(program, c.Args), Dir: w.call.dir, Env: env,
		Stdout: c.Stdout, Started: c.Started, Grace: c.Grace})
}

// Init runs terraform init. Providers that are missing are fetched first, unless
// there is a mirror; they are then read from disk like all others.
func (w *Workspace) Init(ctx context.Context, args ...string) error {
	command := Command{Args: append([]string{"init", "-input=false", "-no-color"}, args...)}
	if w.runner.verified != nil {
		return w.initOnce(ctx, command.Args)
	}
	out, err := w.Run(ctx, command)
	if err != nil || out.Exit == 0 {
		return err
	}
	said := string(out.Stderr)
	if w.runner.store.fetched != nil && strings.Contains(said, "rovider") {
		why, err := w.runner.store.fill(ctx, w.call)
		if err != nil {
			return err
		}
		if why == "" {
			if out, err = w.Run(ctx, command); err != nil || out.Exit == 0 {
				return err
			}
		}
	}
	return &pipelines.Error{Err: fmt.Errorf("terraform init: %s", firstError(out.Stderr)), Hint: w.initHint(said)}
}

func (w *Workspace) initHint(said string) string {
	switch {
	case strings.Contains(said, "Failed to query available provider packages"), strings.Contains(said, "was not found in any of the search locations"):
		return "allow the provider under live.allow.providers, let the machine reach its registry, or name a mirror: --provider-mirror DIR"
	case strings.Contains(said, "lock file"), strings.Contains(said, "checksums"):
		return "run terraform providers lock in the unit, and commit .terraform.lock.hcl"
	case strings.Contains(said, "ackend"):
		return "look at the backend of the environment in penstock.yaml, and at the credentials"
	}
	return "run terraform init in the unit"
}

// Modules is where init put the modules that are not local.
func (w *Workspace) Modules() string { return filepath.Join(w.call.data, "modules") }
