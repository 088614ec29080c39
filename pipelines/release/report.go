package release

import (
	"fmt"

	"github.com/penstock-dev/penstock/pipelines"
)

// Stage is the name of the stage.
const Stage = "release"

// Report is the outcome as every stage reports: one result for each module that is
// released, and one for the repository, with what stands against it all.
func (o *Outcome) Report() *pipelines.Report {
	r := &pipelines.Report{Stages: []string{Stage}, Started: o.Time}
	r.Selection = pipelines.Selection{Schema: pipelines.SelectionSchema, Head: o.Commit, All: true, Total: o.Total}
	of := map[string]*pipelines.Result{}
	result := func(module string) *pipelines.Result {
		if module == "" {
			module = "."
		}
		if of[module] == nil {
			of[module] = &pipelines.Result{Stage: Stage, Unit: module, Verdict: pipelines.Pass}
			r.Selection.Units = append(r.Selection.Units, pipelines.Unit{Path: module, Kind: pipelines.Module})
		}
		return of[module]
	}
	for _, m := range o.Modules {
		result(m.Module).Reason = fmt.Sprintf("%s %s", o.does(), m.Tag)
	}
	for _, refusal := range o.Refusals {
		to := result(refusal.Module)
		switch {
		case refusal.Rule == "unreadable" || refusal.Rule == "not-asked":
			to.Verdict, to.Reason, to.Hint = pipelines.NotRun, refusal.Message, refusal.Hint
		case refusal.Here && o.DryRun:
			r.Notices = append(r.Notices, pipelines.Notice{Message: refusal.Message})
		default:
			to.Verdict = to.Verdict.Worse(pipelines.Fail)
			to.Findings = append(to.Findings, pipelines.Finding{Position: refusal.Position, Rule: refusal.Rule, Verdict: pipelines.Fail, Severity: pipelines.High, Message: refusal.Message, Hint: refusal.Hint})
		}
	}
	if len(of) == 0 {
		only := result("")
		only.Reason = fmt.Sprintf("none of %d modules changed since its last release", o.Total)
		if o.Total == 0 {
			only.Verdict, only.Reason = pipelines.NotRun, "there is no module here"
		}
	}
	for _, unit := range r.Selection.Units {
		r.Results = append(r.Results, *of[unit.Path])
	}
	for _, text := range o.Notices {
		r.Notices = append(r.Notices, pipelines.Notice{Message: text})
	}
	r.Close()
	return r
}

// does is what became of the tags.
func (o *Outcome) does() string {
	switch {
	case o.DryRun:
		return "would be released as"
	case o.Pushed:
		return "released as"
	}
	return "not released as"
}
