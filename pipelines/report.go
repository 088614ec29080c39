package pipelines

import (
	"cmp"
	"slices"
	"time"
)

// ReportSchema is the version of the report's JSON form.
const ReportSchema = "penstock.report/v1"

// Position is a place in a file. Lines and columns count from 1; 0 is "not known".
type Position struct {
	// Path is slash-separated and relative to the root.
	Path      string `json:"path,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	EndLine   int    `json:"end_line,omitempty"`
	EndColumn int    `json:"end_column,omitempty"`
}

// Waiver is the excuse of a waived finding.
type Waiver struct {
	Owner  string `json:"owner"`
	Reason string `json:"reason"`
	// Expires is the last day (UTC, YYYY-MM-DD) on which the waiver holds.
	Expires string `json:"expires"`
	// Source is where the waiver stands.
	Source Position `json:"source"`
}

// Finding is one thing that a stage found. It is data, not an error.
type Finding struct {
	Position
	// Rule names the rule within the stage: "ssh-from-bastion".
	Rule string `json:"rule"`
	// Verdict is Fail, Unknown or Waived.
	Verdict  Verdict  `json:"verdict"`
	Severity Severity `json:"severity,omitempty"`
	// Message says what is wrong, without the value of anything sensitive.
	Message string `json:"message"`
	// Hint is the next thing to do.
	Hint string `json:"hint,omitempty"`
	// Resource is the address of the resource in question.
	Resource string  `json:"resource,omitempty"`
	Waiver   *Waiver `json:"waiver,omitempty"`
}

// Result is what one stage says of one unit.
type Result struct {
	Stage string   `json:"stage"`
	Unit  string   `json:"unit"`
	Why   []string `json:"why,omitempty"`
	// Verdict is the worst of the findings unless the stage says worse.
	Verdict Verdict `json:"verdict"`
	// Reason says why it was not run, or why there was nothing to judge.
	Reason string `json:"reason,omitempty"`
	// Hint is the way to get what was missing.
	Hint     string    `json:"hint,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	// Cases are what a stage that tests declared in the unit, each of them.
	Cases []Case `json:"cases,omitempty"`
	// Judged counts what was looked at, by its plural noun: files, resources,
	// rules, verdicts_pass, verdicts_unknown...
	Judged map[string]int `json:"judged,omitempty"`
	// Seconds is the wall time of this result.
	Seconds float64 `json:"seconds"`
}

// Tool is a program or library that took part.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Skip is a stage that was left out by name.
type Skip struct {
	Stage  string `json:"stage"`
	Reason string `json:"reason"`
}

// Report is what ran, on what, and what it found.
type Report struct {
	Schema  string  `json:"schema"`
	Verdict Verdict `json:"verdict"`
	// Stages are those that were declared: each has a result for each unit.
	Stages    []string        `json:"stages"`
	Skipped   []Skip          `json:"skipped,omitempty"`
	Selection Selection       `json:"selection"`
	Results   []Result        `json:"results"`
	Counts    map[Verdict]int `json:"counts"`
	Notices   []Notice        `json:"notices,omitempty"`
	Tools     []Tool          `json:"tools,omitempty"`
	// Suite is set where the report is about a whole suite, or a part of one.
	Suite   *Suite    `json:"suite,omitempty"`
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
}

// Close makes the report whole: every declared stage that has no result on a
// selected unit is not run, results are sorted, counted, and the verdict drawn.
// It may be called again after results were added.
func (r *Report) Close() {
	r.Schema = ReportSchema
	units := slices.Clone(r.Selection.Units)
	for i := range units {
		units[i].Inputs = nil // the selection's, not the reader's
	}
	r.Selection.Units, r.Selection.Removed = units, nil
	have := map[[2]string]bool{}
	for i := range r.Results {
		r.Results[i].close()
		have[[2]string{r.Results[i].Stage, r.Results[i].Unit}] = true
	}
	for _, stage := range r.Stages {
		for _, unit := range r.Selection.Units {
			if !have[[2]string{stage, unit.Path}] {
				r.Results = append(r.Results, Result{Stage: stage, Unit: unit.Path, Why: unit.Why,
					Verdict: NotRun, Reason: "declared, but it has no result"})
			}
		}
	}
	order := func(stage string) int { return slices.Index(r.Stages, stage) }
	slices.SortStableFunc(r.Results, func(a, b Result) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(order(a.Stage), order(b.Stage)))
	})
	r.Verdict = Pass
	r.Counts = map[Verdict]int{}
	for _, result := range r.Results {
		r.Counts[result.Verdict]++
		r.Verdict = r.Verdict.Worse(result.Verdict)
	}
	if r.Selection.Total == 0 || (len(r.Stages) == 0 && len(r.Results) == 0) {
		r.Verdict = NotRun // nothing to judge is not a pass
	}
}

func (r *Result) close() {
	if r.Verdict == "" {
		r.Verdict = Pass
	}
	for _, f := range r.Findings {
		r.Verdict = r.Verdict.Worse(f.Verdict)
	}
	for _, c := range r.Cases {
		r.Verdict = r.Verdict.Worse(c.Verdict())
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Message, b.Message))
	})
}
