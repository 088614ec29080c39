package compliance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/resource"
)

// unit judges one unit or plan.
func (r *run) unit(ctx context.Context, u pipelines.Unit) pipelines.Result {
	d, err := r.document(ctx, u.Path)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	decisions, err := Decide(ctx, r.rules, d, r.settings, r.Budget)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	waivers, err := r.beside(u.Path, d)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	result := pipelines.Result{Judged: map[string]int{"rules": len(r.rules), "resources": len(d.Resources)}}
	r.weigh(&result, d, u.Path, decisions, waivers)
	for _, o := range d.Opaque {
		if r.allow(opaqueRule, pipelines.Unknown) == pipelines.Unknown {
			result.Judged["unknown"]++
			result.Findings = append(result.Findings, pipelines.Finding{Position: o.Position, Rule: opaqueRule, Verdict: pipelines.Unknown,
				Severity: pipelines.Medium, Resource: o.Address, Message: o.Message,
				Hint: "judge the plan with penstock compliance plan.json, or set compliance.rules.external-module.unknown: pass"})
		}
	}
	if len(decisions) == 0 && len(d.Opaque) == 0 {
		result.Reason = "no resource is in the scope of any rule"
	}
	return result
}

// weigh adds what is decided to a result, with what penstock.yaml lets pass or waives.
func (r *run) weigh(result *pipelines.Result, d *resource.Document, unit string, decisions []Decision, waivers []*waiver) {
	for _, decision := range decisions {
		verdict := r.allow(decision.Rule.ID, decision.Verdict)
		if verdict == pipelines.Fail || verdict == pipelines.Unknown {
			var findings []pipelines.Finding
			verdict, findings = r.findings(unit, d, decision, verdict, waivers)
			result.Findings = append(result.Findings, findings...)
		}
		result.Judged[string(verdict)]++
		if r.Decided != nil {
			r.mu.Lock()
			r.Decided(unit, decision)
			r.mu.Unlock()
		}
	}
}

// allow lets an unknown pass where penstock.yaml says so for that rule.
func (r *run) allow(rule string, v pipelines.Verdict) pipelines.Verdict {
	if v == pipelines.Unknown && r.Config.Compliance.Rules[rule].Unknown == "pass" {
		return pipelines.Pass
	}
	return v
}

func (r *run) document(ctx context.Context, unit string) (*resource.Document, error) {
	if len(r.Plans) == 0 {
		return resource.FromConfiguration(ctx, r.root, unit, r.wanted)
	}
	if from := r.plans[unit].from; from != nil {
		return resource.FromPlan(ctx, from, unit, r.wanted)
	}
	full := r.plans[unit].File
	if !filepath.IsAbs(full) {
		full = filepath.Join(r.Root, filepath.FromSlash(full))
	}
	file, err := os.Open(full)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	defer file.Close()
	return resource.FromPlan(ctx, file, unit, r.wanted)
}

// beside reads the waivers in comments, and says once what does not count.
func (r *run) beside(unit string, d *resource.Document) ([]*waiver, error) {
	if d.Kind == resource.Plan {
		return nil, nil
	}
	var all []*waiver
	for _, file := range filesOf(r.root, unit, d) {
		found, notices, err := fromComments(r.root, r.Base, file)
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		if !r.comments[file] {
			r.comments[file] = true
			r.notices = append(r.notices, notices...)
			r.waivers = append(r.waivers, found...)
		}
		for _, w := range r.waivers { // the one that is remembered is the one that is marked as used
			if w.block != "" && w.Source.Path == file {
				all = append(all, w)
			}
		}
		r.mu.Unlock()
	}
	return all, nil
}

// findings turns a decision into findings, excused where a waiver holds.
func (r *run) findings(unit string, d *resource.Document, decision Decision, verdict pipelines.Verdict, beside []*waiver) (pipelines.Verdict, []pipelines.Finding) {
	var waived *pipelines.Waiver
	late := ""
	r.mu.Lock()
	excused := unit
	if d.Kind == resource.Plan {
		excused = r.plans[unit].Waived
	}
	for _, w := range append(beside, r.waivers...) {
		if !w.excuses(excused, decision) {
			continue
		}
		w.used = true
		if w.expired(r.Now) {
			late = fmt.Sprintf(" (the waiver by %s expired on %s)", w.Owner, w.Expires)
		} else if waived == nil {
			copied := w.Waiver
			waived = &copied
		}
	}
	r.mu.Unlock()
	if waived != nil {
		verdict, late = pipelines.Waived, ""
	}
	var list []pipelines.Finding
	for _, note := range decision.Notes {
		f := pipelines.Finding{Position: decision.Resource.Position, Rule: decision.Rule.ID, Verdict: verdict, Severity: decision.Rule.Severity,
			Message: note.Message + late, Hint: decision.Rule.Remediation, Resource: decision.Resource.Address, Waiver: waived}
		if at, ok := decision.Resource.Positions[note.Attribute]; ok && at.Line > 0 {
			f.Position = at
		}
		if d.Kind == resource.Plan {
			f.Position = pipelines.Position{Path: unit}
		}
		list = append(list, f)
	}
	return verdict, list
}
