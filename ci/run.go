package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
	"github.com/penstock-dev/penstock/pipelines"
)

// Run is what stages came to. Nothing is run again to look at it.
type Run struct {
	// +private
	Dir *dagger.Directory
	// +private
	Module *Penstock
}

// Report is a directory with the report in every format; findings do not fail it.
func (r *Run) Report() *dagger.Directory { return r.Dir }

// Summary is the report as text.
func (r *Run) Summary(ctx context.Context) (string, error) {
	return r.Dir.File("report.txt").Contents(ctx)
}

// Assert fails with the exit code of the verdict: 1 for a finding or an
// unknown, 3 where something was not run.
func (r *Run) Assert(ctx context.Context) (string, error) {
	return r.Module.bare("golang").
		WithMountedDirectory("/report", r.Dir).
		WithExec([]string{"penstock", "report", "assert", "/report/report.json"}).
		Stdout(ctx)
}

// stage says where a stage runs: on the image of which tool.
type stage struct{ name, tool string }

var stages = []stage{{"terraform-fmt", "terraform"}, {"terraform-validate", "terraform"}, {"tflint", "tflint"}, {"compliance", "golang"}}

// run selects the units once, runs each stage in a container of its own on the
// closure of the units alone, and joins the reports.
func (p *Penstock) run(ctx context.Context, base string, only, skip []string) (*Run, error) {
	chosen, err := choose(only, skip)
	if err != nil {
		return nil, err
	}
	// What is judged are files: a commit alone runs nothing again.
	selection, closure, err := p.selected(ctx, p.Units(base).WithoutFile("checkout.json"))
	if err != nil {
		return nil, err
	}
	merge := p.bare("golang").WithMountedDirectory("/selection", selection)
	args := []string{"penstock", "report", "merge", "--selection", "/selection", "--out", "/report", "--stages", names(chosen)}
	if len(skip) > 0 {
		args = append(args, "--skip", strings.Join(skip, ","))
	}
	for _, s := range chosen {
		file := "/reports/" + s.name + ".json"
		report, err := p.stage(ctx, s, closure, selection)
		if err != nil {
			return nil, err
		}
		merge, args = merge.WithMountedFile(file, report), append(args, file)
	}
	return &Run{Dir: merge.WithExec(args).Directory("/report"), Module: p}, nil
}

// selected is a selection and the closure of its units.
func (p *Penstock) selected(ctx context.Context, units *dagger.Directory) (selection, closure *dagger.Directory, err error) {
	if selection, err = byContent(ctx, units); err != nil {
		return nil, nil, err
	}
	text, err := selection.File("selection.json").Contents(ctx)
	if err != nil {
		return nil, nil, err
	}
	var s pipelines.Selection
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, nil, fmt.Errorf("reading the selection: %w", err)
	}
	return selection, p.closure(s), nil
}

func choose(only, skip []string) ([]stage, error) {
	known := func(name string) bool {
		return slices.ContainsFunc(stages, func(s stage) bool { return s.name == name })
	}
	for _, name := range slices.Concat(only, skip) {
		if !known(name) {
			return nil, fmt.Errorf("there is no stage %q, there are %s", name, names(stages))
		}
	}
	var chosen []stage
	for _, s := range stages {
		if (len(only) == 0 || slices.Contains(only, s.name)) && !slices.Contains(skip, s.name) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no stage is left to run")
	}
	return chosen, nil
}

func names(list []stage) string {
	var out []string
	for _, s := range list {
		out = append(out, s.name)
	}
	return strings.Join(out, ",")
}

// closure is the part of the repository that the units depend on: an edit
// elsewhere then changes no stage's input, and nothing runs again.
func (p *Penstock) closure(s pipelines.Selection) *dagger.Directory {
	files := map[string]bool{}
	for _, unit := range s.Units {
		for _, input := range unit.Inputs {
			files[literal(path.Join(p.Root, input))] = true
		}
	}
	if len(files) == 0 {
		return dag.Directory()
	}
	include := make([]string, 0, len(files))
	for file := range files {
		include = append(include, file)
	}
	slices.Sort(include)
	return p.Source.Filter(dagger.DirectoryFilterOpts{Include: include})
}

// literal keeps the signs of a glob in a file name from meaning more.
func literal(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "!", `\!`).Replace(name)
}

// workspace is a container with the program, a tool, the closure of the selected
// units, and their selection.
func (p *Penstock) workspace(tool string, closure, selection *dagger.Directory) *dagger.Container {
	return p.bare(tool).
		WithDirectory("/work", dag.Directory()).
		WithMountedDirectory("/work", closure).
		WithMountedDirectory("/selection", selection).
		WithExec([]string{"mkdir", "-p", p.inside()}).WithWorkdir(p.inside())
}

// mirrored gives a container the mirror of providers, where there is one.
func (p *Penstock) mirrored(c *dagger.Container) (*dagger.Container, []string) {
	if p.Providers == nil {
		return c, nil
	}
	return c.WithMountedDirectory("/providers", p.Providers), []string{"--provider-mirror", "/providers"}
}

// stage runs one stage and returns its report.
func (p *Penstock) stage(ctx context.Context, s stage, closure, selection *dagger.Directory) (*dagger.File, error) {
	c, args := p.workspace(s.tool, closure, selection), []string(nil)
	if s.name == "terraform-validate" {
		c, args = p.mirrored(c)
	}
	args = append([]string{"penstock", s.name, "--selection", "/selection", "--out", "/report"}, args...)
	c, err := ran(ctx, s.name, "/report/report.json", c.WithExec(args, dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny}))
	if err != nil {
		return nil, err
	}
	return c.File("/report/report.json"), nil
}

// ran lets a verdict pass: where a report was written, findings, unknowns and what
// was not run are data. Anything else is an error.
func ran(ctx context.Context, what, report string, c *dagger.Container) (*dagger.Container, error) {
	code, err := c.ExitCode(ctx)
	if err != nil {
		return nil, err
	}
	written, err := c.Exists(ctx, report)
	if err != nil {
		return nil, err
	}
	if written && (code == pipelines.ExitClean || code == pipelines.ExitFindings || code == pipelines.ExitNotRun) {
		return c, nil
	}
	message, _ := c.Stderr(ctx)
	return nil, fmt.Errorf("running %s: it exited with %d: %s", what, code, strings.TrimSpace(message))
}
