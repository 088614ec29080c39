package terratest

import (
	"fmt"

	"github.com/penstock-dev/penstock/pipelines"
)

// judge makes the result of a unit from its cases.
func (s *session) judge(unit pipelines.Unit, u *unitCases, states [][]*state) pipelines.Result {
	result := pipelines.Result{Findings: u.findings, Reason: u.reason, Hint: u.hint}
	if u.reason != "" {
		result.Verdict = pipelines.NotRun
	}
	result.Cases = append(append(result.Cases, u.broken...), u.excused...)
	for _, group := range states {
		for _, c := range group {
			result.Cases = append(result.Cases, c.Case)
			switch {
			case c.Status == pipelines.CaseFailed:
				result.Findings = append(result.Findings, failure(unit, c))
			case c.Flaky:
				s.notice(pipelines.Notice{Path: c.place.Path, Line: c.place.Line,
					Message: fmt.Sprintf("flaky: %s:%s passed on attempt %d; failed before: %s", unit.Path, c.Name, c.Attempts, c.Reason)})
			}
		}
	}
	judged(&result)
	if u.empty() && u.reason == "" {
		s.untested(unit, u, &result)
	}
	return result
}

func failure(unit pipelines.Unit, c *state) pipelines.Finding {
	f := pipelines.Finding{Position: c.place, Rule: "case", Verdict: pipelines.Fail, Message: c.Name + ": " + c.Reason}
	if f.Path == "" {
		f.Path = unit.Path
	}
	if c.Log != "" {
		f.Hint = "its log is " + c.Log
	}
	return f
}

// judged draws what the cases do not say by themselves: all skipped is not a pass, and
// neither is a unit that nothing tests.
func judged(r *pipelines.Result) {
	counts := map[string]int{}
	for _, c := range r.Cases {
		status := c.Status
		if c.Excused {
			status = "excused"
		}
		counts[status]++
		if c.Flaky {
			counts["flaky"]++
		}
	}
	r.Judged = map[string]int{"cases": len(r.Cases)}
	for status, n := range counts {
		r.Judged["cases_"+status] = n
	}
	switch {
	case r.Reason != "":
	case len(r.Cases) == 0:
	case counts[pipelines.CaseSkipped] == len(r.Cases):
		r.Verdict, r.Reason = pipelines.NotRun, "every case skipped itself"
	case counts[pipelines.CaseNotRun] > 0:
		r.Reason = fmt.Sprintf("%d of %d cases were not run", counts[pipelines.CaseNotRun], len(r.Cases))
	}
}

// untested judges a unit without cases of its own: a module that nothing exercises is not
// known to work.
func (s *session) untested(unit pipelines.Unit, u *unitCases, r *pipelines.Result) {
	by := s.testedBy(unit)
	switch {
	case unit.Kind == pipelines.Live:
		r.Reason = "it is live: it is planned, not tested"
	case by != "":
		r.Reason = "it declares no case; " + by + " exercises it"
	case unit.Kind != pipelines.Module:
		r.Reason = "it declares no case"
	case u.untested != "":
		r.Verdict, r.Reason = pipelines.Waived, "no case exercises it; "+u.untested
	default:
		r.Verdict, r.Reason = pipelines.NotRun, "no case exercises it"
		r.Hint = fmt.Sprintf("write one, in %s or in a Go test that reaches it; or excuse it under terratest.skip: {case: %q, ...}", unit.Path+"/tests", unit.Path+":*")
	}
}
