package live

import (
	"context"
	"slices"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// inWaves runs a stage on one wave after the other, and tells over what each came to
// before the next begins. started is the time of the run.
func inWaves(ctx context.Context, scope pipelines.Scope, stage string, started time.Time, targets []Target,
	do func(context.Context, Target) pipelines.Result, over func([]pipelines.Result)) *pipelines.Report {
	report := &pipelines.Report{Stages: []string{stage}, Started: started.UTC(), Selection: asUnits(scope.Selection, targets)}
	for wave := 1; wave <= last(targets); wave++ {
		part := sideBySide(ctx, scope, stage, slices.DeleteFunc(slices.Clone(targets), func(t Target) bool { return t.Wave != wave }), do)
		over(part.Results)
		report.Results = append(report.Results, part.Results...)
	}
	report.Seconds = time.Since(started).Seconds()
	report.Close()
	return report
}

// sideBySide runs a stage on targets, whatever their waves.
func sideBySide(ctx context.Context, scope pipelines.Scope, stage string, targets []Target, do func(context.Context, Target) pipelines.Result) *pipelines.Report {
	byID := map[string]Target{}
	for _, t := range targets {
		byID[t.ID()] = t
	}
	scope.Selection = asUnits(scope.Selection, targets)
	return scope.Each(ctx, stage, func(ctx context.Context, unit pipelines.Unit) pipelines.Result { return do(ctx, byID[unit.Path]) })
}

// asUnits is a selection whose units are targets.
func asUnits(s pipelines.Selection, targets []Target) pipelines.Selection {
	s.Units = nil
	for _, t := range targets {
		unit := t.Unit
		unit.Path = t.ID()
		unit.Why = slices.Clone(t.Unit.Why)
		s.Units = append(s.Units, unit)
	}
	if len(targets) == 0 && s.Reason == "" {
		s.Reason = "no live unit was selected"
	}
	return s
}
