package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// look is what was seen of one target.
type look struct {
	outcome     DriftOutcome
	differences []difference
	// ignored counts attributes, omitted differences that there was no room for,
	// resources those that were looked at.
	ignored, omitted, resources int
	// failure says why nobody knows.
	failure pipelines.Result
}

func unseen(err error) look { return look{outcome: Failing, failure: pipelines.NotRunBecause(err)} }

// look plans one target in a copy that is gone afterwards, and takes no lock.
func (d *drifting) look(ctx context.Context, t Target) look {
	if t.broken != nil {
		return unseen(t.broken)
	}
	if err := d.busy(ctx, t); err != nil {
		return unseen(err)
	}
	work, err := os.MkdirTemp("", "penstock-")
	if err != nil {
		return unseen(fmt.Errorf("making room for a copy of the unit: %w", err))
	}
	defer os.RemoveAll(work)
	w, findings, err := d.workspace(ctx, t, work)
	if err != nil || len(findings) > 0 {
		return notAllowed(findings, err)
	}
	d.mu.Lock()
	d.tools[w.Tool] = true
	d.mu.Unlock()
	if findings, err = d.gateModules(w); err != nil || len(findings) > 0 {
		return notAllowed(findings, err)
	}
	seen := d.compare(ctx, t, w, work)
	if seen.outcome == Drifted {
		// What an apply does at this moment looks like drift.
		if err := d.busy(ctx, t); err != nil {
			return unseen(err)
		}
	}
	return seen
}

// notAllowed is a look that the gate kept from running.
func notAllowed(findings []pipelines.Finding, err error) look {
	if err != nil {
		return unseen(err)
	}
	return look{outcome: Failing, failure: pipelines.Result{Verdict: pipelines.NotRun, Findings: findings,
		Reason: "not looked at: it would run or fetch what is not allowed"}}
}

// busy is an error while an apply holds the target. A store that keeps no leases
// has none.
func (d *drifting) busy(ctx context.Context, t Target) error {
	held, err := ledger.New(d.Store).Look(ctx, leaseOf(t))
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("asking whether %q is being applied: %w", t.ID(), err)
	}
	hint := "look again when that run has ended"
	if held.Expired() {
		hint = recoverHint(t, d.Mirror, "it finds out whether that run still lives")
	}
	return &pipelines.Error{Err: fmt.Errorf("looking at %q: it is being applied by %s", t.ID(), held.Owner), Hint: hint}
}

// compare plans once with a refresh. It tells what differs between the state and the
// world, and what Terraform would do about it and about the code. Only where it
// finds both, a second plan without a refresh tells the code's part: what of the
// first one's changes would be there if nobody had touched the world.
func (d *drifting) compare(ctx context.Context, t Target, w *unitWorkspace, work string) look {
	first, err := d.plan(ctx, t, w, filepath.Join(work, "first"))
	if err != nil {
		return unseen(err)
	}
	if first.failure != nil {
		return look{outcome: Failing, failure: *first.failure}
	}
	code := first
	if len(first.pending) > 0 && slices.ContainsFunc(first.outside, func(one differing) bool { return !one.noise }) {
		if code, err = d.plan(ctx, t, w, filepath.Join(work, "code"), "-refresh=false"); err != nil {
			return unseen(err)
		}
		switch {
		case code.failure != nil:
			return look{outcome: Failing, failure: *code.failure}
		case code.lineage != first.lineage || code.serial != first.serial:
			return unseen(&pipelines.Error{Err: fmt.Errorf("looking at %q: its state changed meanwhile", t.ID()), Hint: "look again when nobody applies it"})
		}
	}
	options, err := public(t, d.Config)
	if err != nil {
		return unseen(err)
	}
	seen, err := told(work, first, code, options)
	if err != nil {
		return unseen(err)
	}
	return seen
}

// glance is one plan of a look.
type glance struct {
	judgement
	file    string
	lineage string
	serial  uint64
	// failure is set where terraform ended with an error.
	failure *pipelines.Result
}

// plan makes and judges one plan.
func (d *drifting) plan(ctx context.Context, t Target, w *unitWorkspace, out string, more ...string) (glance, error) {
	g := glance{file: filepath.Join(out, JSONFile)}
	if err := os.Mkdir(out, 0o700); err != nil {
		return g, fmt.Errorf("making room for the plan: %w", err)
	}
	exit, err := w.plan(ctx, out, noLock, false, more...)
	if err != nil {
		return g, err
	}
	if exit != 0 && exit != 2 { // terraform plan -detailed-exitcode: 2 is changes
		failure := d.failed(t, out, exit, &planned{})
		failure.Hint = "run it yourself for the whole of it: " + t.command("drift", d.Selection.Base, d.Mirror)
		g.failure = &failure
		return g, nil
	}
	if g.lineage, g.serial, err = stateIn(filepath.Join(out, PlanFile)); err != nil {
		return g, err
	}
	if err := w.show(ctx, out); err != nil {
		return g, err
	}
	err = onFile(g.file, func(r io.Reader) (err error) {
		g.judgement, err = judgePlan(r, t, d.ignores)
		return err
	})
	return g, err
}
