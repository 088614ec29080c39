package report

import (
	"fmt"
	"path"
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
)

// Merge joins the reports of single stages on one selection. A declared stage
// that has no result on a unit is not run. A report on another selection, a stage
// that was not declared, and a result that is there twice are errors.
func Merge(selection pipelines.Selection, stages []string, parts ...*pipelines.Report) (*pipelines.Report, error) {
	merged := &pipelines.Report{Stages: stages, Selection: selection, Notices: slices.Clone(selection.Notices)}
	units := paths(selection)
	have := map[[2]string]bool{}
	for _, part := range parts {
		s := part.Selection
		if s.Base != selection.Base || s.Head != selection.Head || s.All != selection.All || s.Total != selection.Total {
			return nil, fmt.Errorf("joining reports: one is about another selection (base %q, head %q, %d units)", s.Base, s.Head, s.Total)
		}
		for _, unit := range paths(s) { // a job of a matrix judges some of them
			if !slices.Contains(units, unit) {
				return nil, fmt.Errorf("joining reports: the unit %q was not selected", unit)
			}
		}
		for _, result := range part.Results {
			key := [2]string{result.Stage, result.Unit}
			switch {
			case !slices.Contains(stages, result.Stage):
				return nil, fmt.Errorf("joining reports: the stage %q was not declared", result.Stage)
			case len(units) > 0 && !slices.Contains(units, result.Unit):
				return nil, fmt.Errorf("joining reports: the unit %q was not selected", result.Unit)
			case have[key]:
				return nil, fmt.Errorf("joining reports: there are two results of %q on %q", result.Stage, result.Unit)
			}
			have[key] = true
		}
		add(merged, part)
	}
	merged.Close()
	return merged, nil
}

// paths are the units of a selection, sorted.
func paths(s pipelines.Selection) []string {
	list := make([]string, len(s.Units))
	for i, unit := range s.Units {
		list[i] = unit.Path
	}
	slices.Sort(list)
	return list
}

// Concat joins reports on different catalogs.
func Concat(parts ...*pipelines.Report) *pipelines.Report {
	all := &pipelines.Report{}
	for _, part := range parts {
		for _, stage := range part.Stages {
			if !slices.Contains(all.Stages, stage) {
				all.Stages = append(all.Stages, stage)
			}
		}
		s := part.Selection
		all.Selection.Schema, all.Selection.Base = s.Schema, s.Base
		all.Selection.All = s.All
		all.Selection.Total += s.Total
		all.Selection.Units = append(all.Selection.Units, s.Units...)
		for _, skip := range part.Skipped {
			if !slices.Contains(all.Skipped, skip) {
				all.Skipped = append(all.Skipped, skip)
			}
		}
		add(all, part)
		if s.Total == 0 { // an empty catalog is not excused by a full one beside it
			for _, stage := range part.Stages {
				all.Results = append(all.Results, pipelines.Result{Stage: stage, Unit: ".", Verdict: pipelines.NotRun, Reason: s.Reason})
			}
		}
	}
	all.Close()
	return all
}

func add(to, part *pipelines.Report) {
	to.Results = append(to.Results, part.Results...)
	to.Seconds = max(to.Seconds, part.Seconds)
	if to.Started.IsZero() || part.Started.Before(to.Started) {
		to.Started = part.Started
	}
	for _, tool := range part.Tools {
		if !slices.Contains(to.Tools, tool) {
			to.Tools = append(to.Tools, tool)
		}
	}
	for _, n := range part.Notices {
		if !slices.Contains(to.Notices, n) {
			to.Notices = append(to.Notices, n)
		}
	}
}

// Beneath puts a report below a directory: every unit and path is then named
// from its parent.
func Beneath(dir string, r *pipelines.Report) *pipelines.Report {
	for i := range r.Selection.Units {
		r.Selection.Units[i].Path = path.Join(dir, r.Selection.Units[i].Path)
	}
	for i := range r.Results {
		result := &r.Results[i]
		result.Unit = path.Join(dir, result.Unit)
		for j := range result.Findings {
			if p := result.Findings[j].Path; p != "" {
				result.Findings[j].Path = path.Join(dir, p)
			}
			if w := result.Findings[j].Waiver; w != nil && w.Source.Path != "" {
				below := *w
				below.Source.Path = path.Join(dir, w.Source.Path)
				result.Findings[j].Waiver = &below
			}
		}
	}
	for i := range r.Notices {
		if p := r.Notices[i].Path; p != "" {
			r.Notices[i].Path = path.Join(dir, p)
		}
	}
	r.Close()
	return r
}
