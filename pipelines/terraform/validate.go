package terraform

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// ValidateStage is the name of the stage.
const ValidateStage = "terraform-validate"

// Validate runs terraform init -backend=false and terraform validate on a copy of
// each unit, in an environment and under a CLI configuration of our own: nothing
// in the checkout and no variable or .terraformrc outside of it says where
// providers come from.
type Validate struct {
	pipelines.Scope
	// Program is the terraform or tofu to run. Default: terraform, else tofu, of
	// PATH; a unit with .tofu files always needs tofu.
	Program string
	// Mirror is a filesystem mirror: the only place that providers come from when
	// it is set.
	Mirror string
	// Allow are the providers that may be used, as HOST/NAMESPACE/TYPE, in which
	// "*" stands for any namespace or type. Default: whatever Mirror holds; without
	// one, those of HashiCorp and those that required_providers names on the base.
	Allow []string
	// Cache is the directory that keeps the providers fetched from registries.
	// Default: penstock/terraform-providers in the user's cache directory.
	Cache string

	// registry is what tests put in the place of real registries.
	registry string
}

// validateRun is one run of the stage.
type validateRun struct {
	Validate
	root    *os.Root
	store   *store
	notices *notices

	mu    sync.Mutex
	tools map[pipelines.Tool]bool
}

// Run validates every unit. A unit that terraform, a provider or a module is
// missing for is not run.
func (v Validate) Run(ctx context.Context) (*pipelines.Report, error) {
	root, err := os.OpenRoot(v.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the catalog: %w", err)
	}
	defer root.Close()
	s, err := v.openStore()
	if err != nil {
		return nil, err
	}
	run := &validateRun{Validate: v, root: root, store: s, notices: &notices{}, tools: map[pipelines.Tool]bool{}}
	report := v.Each(ctx, ValidateStage, run.judge)
	for tool := range run.tools {
		report.Tools = append(report.Tools, tool)
	}
	slices.SortFunc(report.Tools, func(a, b pipelines.Tool) int {
		return strings.Compare(a.Name+" "+a.Version, b.Name+" "+b.Version)
	})
	report.Notices = append(report.Notices, run.notices.sorted()...)
	return report, nil
}

// judge validates one unit in a directory that is gone afterwards.
func (r *validateRun) judge(ctx context.Context, unit pipelines.Unit) pipelines.Result {
	work, err := os.MkdirTemp("", "penstock-")
	if err != nil {
		return pipelines.NotRunBecause(fmt.Errorf("making room for a copy of the unit: %w", err))
	}
	defer os.RemoveAll(work)
	src := filepath.Join(work, "src")
	if err := copyUnit(r.root, unit, src); err != nil {
		return pipelines.NotRunBecause(err)
	}
	found, err := look(src, unit.Path)
	switch {
	case err != nil:
		return pipelines.NotRunBecause(err)
	case !found.configured:
		return pipelines.Result{Verdict: pipelines.Pass, Reason: "no Terraform configuration in it"}
	}
	p, err := r.program(found.tofu)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	if err := r.identify(ctx, p); err != nil {
		return pipelines.NotRunBecause(err)
	}
	c := call{program: p, dir: filepath.Join(src, filepath.FromSlash(unit.Path)),
		home: filepath.Join(work, "t"), data: filepath.Join(work, "d")} // short: sockets of providers go into home
	o, err := r.validate(ctx, c, unit.Path)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	r.notices.add(o.notices...)
	o.result.Reason = strings.NewReplacer(src+"/", "", work+"/", "").Replace(o.result.Reason)
	o.result.Judged = map[string]int{"configurations": 1}
	return o.result
}

// validate runs init and validate, and again where a provider had to be allowed or
// fetched between them.
func (r *validateRun) validate(ctx context.Context, c call, unit string) (outcome, error) {
	from := r.store.readOnly()
	o, err := r.once(ctx, c, unit, from)
	if err == nil && o.provider && o.unready && r.Mirror == "" {
		wider, failed := r.store.widen(from)
		if err = failed; wider && err == nil {
			o, err = r.once(ctx, c, unit, r.store.readOnly())
		}
	}
	if err == nil && o.provider && o.unready && r.Mirror == "" {
		why, failed := r.store.fill(ctx, c)
		switch {
		case failed != nil:
			return o, failed
		case why != "":
			o.result.Reason = "init: " + why
		default:
			o, err = r.once(ctx, c, unit, r.store.readOnly())
		}
	}
	if err == nil && o.unready {
		o.result.Hint = r.store.hint(o)
	}
	return o, err
}

func (r *validateRun) once(ctx context.Context, c call, unit string, from installation) (outcome, error) {
	initialized, err := c.run(ctx, from, initArgv(c.program.path))
	if err != nil {
		return outcome{}, err
	}
	validated, err := c.run(ctx, from, validateArgv(c.program.path))
	if err != nil {
		return outcome{}, err
	}
	r.used(providersIn(c.data)...)
	return judgeValidate(unit, initialized, validated), nil
}

// program is the one that the unit needs.
func (r *validateRun) program(tofu bool) (program, error) {
	named := r.Program
	if named == "" && tofu {
		named = "tofu"
	}
	p, err := find(named)
	if err == nil && tofu && p.name != "opentofu" {
		return p, &pipelines.Error{Err: fmt.Errorf("%s does not read the .tofu files of the unit", p.name),
			Hint: "install tofu (https://opentofu.org/docs/intro/install)"}
	}
	return p, err
}

// identify notes the version of a program, once.
func (r *validateRun) identify(ctx context.Context, p program) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for tool := range r.tools {
		if tool.Name == p.name {
			return nil
		}
	}
	tool, err := p.tool(ctx)
	if err == nil {
		r.tools[tool] = true
	}
	return err
}

func (r *validateRun) used(tools ...pipelines.Tool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, tool := range tools {
		r.tools[tool] = true
	}
}

// call is how terraform is called on one unit: in its copy, with a home, a data
// directory and a CLI configuration that are ours.
type call struct {
	program         program
	dir, home, data string
}

func (c call) run(ctx context.Context, from installation, argv []string) (process.Output, error) {
	file, err := c.configure(from)
	if err != nil {
		return process.Output{}, err
	}
	env := append(environment(c.home, file), "TF_DATA_DIR="+c.data)
	return process.Run(ctx, process.Command{Argv: argv, Dir: c.dir, Env: env})
}

// configure writes the CLI configuration and returns its path.
func (c call) configure(from installation) (string, error) {
	config, err := from.cliConfig()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(c.home, 0o700); err != nil {
		return "", fmt.Errorf("making a home for %s: %w", c.program.name, err)
	}
	file := filepath.Join(c.home, "cli.tfrc")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return "", fmt.Errorf("writing the CLI configuration: %w", err)
	}
	return file, nil
}
