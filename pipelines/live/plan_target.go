package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// planned is one target, planned.
type planned struct {
	target Target
	record Record
	result pipelines.Result
	facts  *facts // nil where there is no plan
}

// target plans one target in a copy that is gone afterwards.
func (p *planning) target(ctx context.Context, t Target) planned {
	o := planned{target: t, record: Record{Target: t.ID(), Outcome: Failed, Review: p.review}}
	out := filepath.Join(p.Out, t.directory())
	if err := os.MkdirAll(out, 0o700); err != nil {
		o.result = pipelines.NotRunBecause(fmt.Errorf("making room for the plan: %w", err))
		return o
	}
	work, err := p.desk()
	if err != nil {
		o.result = pipelines.NotRunBecause(fmt.Errorf("making room for a copy of the unit: %w", err))
		return o
	}
	defer os.RemoveAll(work)
	o.result = p.plan(ctx, t, work, out, &o)
	if len(o.record.Planned.After) > 0 {
		o.record.Again = t.Wave - 1
		if o.record.Outcome == Failed && o.result.Verdict == pipelines.NotRun {
			o.record.Outcome, o.result.Verdict = Deferred, pipelines.Unknown
		}
		o.result.Reason = fmt.Sprintf("to be planned again after wave %d; ", o.record.Again) + o.result.Reason
	}
	if err := o.record.write(out); err != nil {
		o.result = pipelines.NotRunBecause(fmt.Errorf("writing the record: %w", err))
	}
	return o
}

// desk is a new directory to work in. It holds credentials, so it lies where recover
// finds it, if there is such a place. Its name is short: see terraform.Runner.
func (p *planning) desk() (string, error) {
	if p.room == "" {
		return os.MkdirTemp("", "penstock-")
	}
	dir := filepath.Join(p.room, "p")
	return dir, os.Mkdir(dir, 0o700)
}

// destroys says whether a target is planned to be destroyed.
func (p Plan) destroys(t Target) bool { return p.Destroy || t.removed }

// upstream are the targets with changes that a target depends on.
func (p *planning) upstream(t Target) []string {
	var ids []string
	for _, id := range t.After {
		if outcome, known := p.pending[id]; known && outcome != NoChanges {
			ids = append(ids, id)
		}
	}
	return ids
}

// unplanned is a target that another depends on and of which there is no plan, "" where
// there is none.
func (p *planning) unplanned(t Target) string {
	for _, id := range t.After {
		if outcome := p.pending[id]; outcome == Failed || outcome == Refused {
			return id
		}
	}
	return ""
}

// plan does the work; it fills in the record as it learns.
func (p *planning) plan(ctx context.Context, t Target, work, out string, o *planned) pipelines.Result {
	r := &o.record
	m := &r.Planned
	m.Schema, m.Unit, m.Environment, m.Destroy = capsule.Schema, t.Unit.Path, t.Environment.Name, p.destroys(t)
	m.Commit, m.Wave, m.Creator = p.Commit, t.Wave, p.Creator.manifest()
	m.Created = p.Now.UTC().Truncate(time.Second)
	m.Expires = m.Created.Add(p.Config.Live.Lifetime())
	if t.broken != nil {
		return pipelines.NotRunBecause(t.broken)
	}
	if id := p.unplanned(t); id != "" {
		return pipelines.Result{Verdict: pipelines.NotRun, Reason: fmt.Sprintf("it comes after %q, which could not be planned", id), Hint: "mend that first"}
	}
	closure, err := Closure(t.home, t)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	m.Closure, m.After = closure, p.upstream(t) // from here on an error may be that of a world that is not there yet
	w, findings, err := p.workspace(ctx, t, work)
	if err != nil {
		return unready(err, r)
	}
	if len(findings) > 0 {
		r.Outcome = Refused
		return refused(findings, nil)
	}
	m.Terraform, m.State.Backend = w.Tool, w.state.String()
	if m.Modules, err = w.modules(); err != nil {
		return pipelines.NotRunBecause(err)
	}
	if findings, err = p.gateModules(w); err != nil || len(findings) > 0 {
		r.Outcome = Refused
		return refused(findings, err)
	}
	if m.Lock, err = w.keepLock(out); err != nil {
		return pipelines.NotRunBecause(err)
	}
	exit, err := p.locked(ctx, t, w, out)
	switch {
	case err != nil:
		return unready(err, r)
	case exit == 0:
		r.Outcome = NoChanges
	case exit == 2: // terraform plan -detailed-exitcode: there are changes
		r.Outcome = Changes
	default:
		return p.failed(t, out, exit, o)
	}
	if m.State.Lineage, m.State.Serial, err = stateIn(filepath.Join(out, PlanFile)); err != nil {
		return pipelines.NotRunBecause(err)
	}
	if err := w.show(ctx, out); err != nil {
		return unready(err, r)
	}
	return p.describe(ctx, t, out, o)
}

// unready is a plan that could not be made. One whose providers are not those of
// the lock file, or that the gate cannot read, is refused: planning what it depends on
// first does not mend it.
func unready(err error, r *Record) pipelines.Result {
	if errors.Is(err, terraform.ErrUnverified) || errors.Is(err, errUnread) {
		r.Outcome = Refused
	}
	return pipelines.NotRunBecause(err)
}

func refused(findings []pipelines.Finding, err error) pipelines.Result {
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	return pipelines.Result{Findings: findings, Reason: "not planned: it would run or fetch what is not allowed"}
}
