// Package check runs several stages on the units of one selection, side by
// side, and returns one report.
package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/compliance"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/terraform"
	"github.com/penstock-dev/penstock/pipelines/tflint"
)

// Check is a run of several stages. The embedded Scope holds for each of them.
type Check struct {
	pipelines.Scope
	// Stages to run, in the order of the report. Default: all of Names.
	Stages []string
	// Skip leaves stages out by name; the report says so.
	Skip []string
	// Config counts as it stands on the base. Nil: there is none.
	Config *config.Config

	// What single stages are given beyond that. Their Scope is filled in here.
	Fmt        terraform.Fmt
	Validate   terraform.Validate
	Tflint     tflint.Tflint
	Compliance compliance.Compliance
}

// judge runs one stage.
type judge func(context.Context) (*pipelines.Report, error)

// Names are the stages that there are, in the order of a report.
var Names = []string{"terraform-fmt", "terraform-validate", "tflint", "compliance"}

// stage returns the stage of that name, made ready to run.
func (c Check) stage(name string, scope pipelines.Scope) judge {
	switch name {
	case "terraform-fmt":
		s := c.Fmt
		s.Scope = scope
		return s.Run
	case "terraform-validate":
		s := c.Validate
		s.Scope = scope
		return s.Run
	case "tflint":
		s := c.Tflint
		s.Scope = scope
		return s.Run
	case "compliance":
		s := c.Compliance
		s.Scope, s.Config = scope, c.Config
		return s.Run
	}
	return nil
}

// ErrStage says that a stage was named that does not exist, or that none is left.
var ErrStage = errors.New("no such stage")

// declared resolves Stages and Skip to the stages that will run.
func (c Check) declared() ([]string, []pipelines.Skip, error) {
	names := c.Stages
	if len(names) == 0 {
		names = Names
	}
	for _, name := range slices.Concat(names, c.Skip) {
		if !slices.Contains(Names, name) {
			return nil, nil, fmt.Errorf("%w: %q, there are %s", ErrStage, name, strings.Join(Names, ", "))
		}
	}
	var run []string
	var skipped []pipelines.Skip
	for _, name := range Names {
		switch {
		case slices.Contains(c.Skip, name):
			skipped = append(skipped, pipelines.Skip{Stage: name, Reason: "left out by name"})
		case slices.Contains(names, name):
			run = append(run, name)
		}
	}
	if len(run) == 0 {
		return nil, nil, fmt.Errorf("%w is left to run: all that were named are skipped too", ErrStage)
	}
	return run, skipped, nil
}

// Run runs the quick stages, then the others, side by side within one set of slots. A stage that
// cannot start is not run on each unit, with its error as the reason: one
// broken policy must not hide what the other stages found.
func (c Check) Run(ctx context.Context) (*pipelines.Report, error) {
	names, skipped, err := c.declared()
	if err != nil {
		return nil, err
	}
	scope := c.Scope
	if scope.Slots == nil {
		scope.Slots = pipelines.NewSlots()
	}
	report := &pipelines.Report{Stages: names, Skipped: skipped, Selection: c.Selection, Started: time.Now().UTC()}
	report.Notices = append(report.Notices, c.Selection.Notices...)
	parts := make([]*pipelines.Report, len(names))
	for _, quick := range []bool{true, false} { // what needs no process is told at once, and survives an interruption
		var wg sync.WaitGroup
		for i, name := range names {
			if slices.Contains([]string{"terraform-fmt", "compliance"}, name) == quick {
				wg.Go(func() { parts[i] = start(ctx, name, c.stage(name, scope), scope) })
			}
		}
		wg.Wait()
	}
	for _, part := range parts {
		report.Results = append(report.Results, part.Results...)
		report.Tools = append(report.Tools, part.Tools...)
		report.Notices = append(report.Notices, part.Notices...)
	}
	report.Seconds = time.Since(report.Started).Seconds()
	report.Close()
	return report, nil
}

func start(ctx context.Context, name string, run judge, scope pipelines.Scope) *pipelines.Report {
	part, err := run(ctx)
	if err == nil {
		return part
	}
	refused := pipelines.NotRunBecause(err)
	if len(scope.Selection.Units) == 0 { // nothing to judge does not excuse a broken policy
		refused.Stage, refused.Unit = name, "."
		return &pipelines.Report{Results: []pipelines.Result{refused}}
	}
	return scope.Each(ctx, name, func(context.Context, pipelines.Unit) pipelines.Result { return refused })
}
