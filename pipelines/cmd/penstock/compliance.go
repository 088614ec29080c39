package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/check"
	"github.com/penstock-dev/penstock/pipelines/compliance"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/report"
)

// compliance judges plans when files are named, and the units of catalogs when
// directories are.
func (p *program) compliance(ctx context.Context, given []string, f scopeFlags, s stageFlags, o outputFlags) error {
	plans, err := allPlans(given)
	if err != nil {
		return err
	}
	c := check.Check{Stages: []string{"compliance"}}
	if !plans {
		return p.catalogs(ctx, c, given, f, s, o)
	}
	if f.base != "" || f.all || f.selection != "" || len(f.units) > 0 {
		return usage("--base, --all, --selection and --unit choose units of a catalog: a plan has none")
	}
	if err := o.check(); err != nil {
		return err
	}
	if err := s.apply(&c); err != nil {
		return err
	}
	here, err := directory(".")
	if err != nil {
		return err
	}
	if c.Config, err = config.Load(os.DirFS(here)); err != nil {
		return err
	}
	stage := c.Compliance
	stage.Scope, stage.Config = pipelines.Scope{Root: here}, c.Config
	for _, file := range given {
		stage.Plans = append(stage.Plans, compliance.PlanOf{File: file})
	}
	r, err := stage.Run(ctx)
	if err != nil {
		return err
	}
	return p.print(r, o)
}

// allPlans says whether files were named rather than directories, never both.
func allPlans(given []string) (bool, error) {
	files := 0
	for _, path := range given {
		info, err := os.Stat(path)
		if err != nil {
			return false, usage("reading what to judge: %w", err)
		}
		if !info.IsDir() {
			files++
		}
	}
	if files > 0 && files < len(given) {
		return false, usage("plans and directories cannot be judged together: call twice")
	}
	return files > 0, nil
}

// catalogs judges one catalog after the other and joins the reports: a unit is
// then named by its catalog too.
func (p *program) catalogs(ctx context.Context, c check.Check, dirs []string, f scopeFlags, s stageFlags, o outputFlags) error {
	if len(dirs) < 2 {
		return p.judge(ctx, c, f, s, o, or(dirs, "."))
	}
	if err := o.check(); err != nil {
		return err
	}
	var parts []*pipelines.Report
	for _, dir := range dirs {
		part, err := p.examine(ctx, c, f, s, dir)
		if err != nil {
			return err
		}
		parts = append(parts, report.Beneath(filepath.ToSlash(filepath.Clean(dir)), part))
	}
	return p.print(report.Concat(parts...), o)
}
