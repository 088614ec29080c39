package service

import (
	"fmt"
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// LeftOut returns the report of a stage on a part of the service that is not to run in this
// environment: nothing is deployed there, or the part is left out by name until a
// date. It is waived, and never a pass. Nil: it is to run.
func (s *Service) LeftOut(part, stage string) *pipelines.Report {
	result := pipelines.Result{Stage: stage, Unit: unit(s.Config.Service.Name, part), Verdict: pipelines.Waived}
	i := slices.IndexFunc(s.Environment.OptOut, func(o config.OptOut) bool { return o.Part == part })
	switch {
	case !s.Environment.On():
		result.Reason = fmt.Sprintf("%q is not enabled (%s:%d): nothing was done there", s.Environment.Name, s.Environment.Position.Path, s.Environment.Position.Line)
	case i >= 0:
		o := s.Environment.OptOut[i]
		result.Reason = fmt.Sprintf("it is left out in %q until %s: nothing was done", s.Environment.Name, o.Expires)
		result.Findings = []pipelines.Finding{{Position: o.Position, Rule: "opt-out", Verdict: pipelines.Waived, Severity: pipelines.Medium,
			Message: fmt.Sprintf("%s is left out in %q", part, s.Environment.Name), Waiver: &pipelines.Waiver{Owner: o.Owner, Reason: o.Reason, Expires: o.Expires, Source: o.Position}}}
	default:
		return nil
	}
	r := &pipelines.Report{Stages: []string{stage}, Started: s.now.UTC(), Results: []pipelines.Result{result},
		Selection: pipelines.Selection{Schema: pipelines.SelectionSchema, All: true, Total: 1, Units: []pipelines.Unit{{Path: result.Unit, Kind: pipelines.Live}}}}
	s.Note(r, nil, part)
	r.Close()
	return r
}

// Note adds to a report what holds beside it: the bundle, and the parts that
// are left out. except is the part that the report is about.
func (s *Service) Note(r *pipelines.Report, b *bundle.Bundle, except string) {
	if b != nil {
		r.Tools = append(r.Tools, pipelines.Tool{Name: "bundle", Version: b.Version + " " + b.Digest})
	}
	for _, o := range s.Environment.OptOut {
		if o.Part != except {
			r.Notices = append(r.Notices, pipelines.Notice{Path: o.Position.Path, Line: o.Position.Line,
				Message: fmt.Sprintf("waived: %s is left out in %q until %s by %s: %s", o.Part, s.Environment.Name, o.Expires, o.Owner, o.Reason)})
		}
	}
}
