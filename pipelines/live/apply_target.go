package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// target applies one target: first everything that can refuse, then the effect.
func (a *applying) target(ctx context.Context, t Target) pipelines.Result {
	if t.broken != nil {
		return pipelines.NotRunBecause(t.broken)
	}
	work, err := os.MkdirTemp(a.Work, "t")
	if err != nil {
		return pipelines.NotRunBecause(fmt.Errorf("making room to work: %w", err))
	}
	closure, err := Closure(t.home, t)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	c, err := a.find(ctx, t, closure, work)
	if err != nil {
		defer os.RemoveAll(work)
		if errors.Is(err, errNoCapsule) {
			return a.unplanned(ctx, t, err, work)
		}
		if errors.Is(err, capsule.ErrRefused) {
			return refusal("capsule", err)
		}
		return pipelines.NotRunBecause(err)
	}
	result, keep := a.effect(ctx, t, c, closure, work)
	if !keep {
		_ = os.RemoveAll(work) // what is left of a plan is secret; that it is gone matters less than the result
	}
	return result
}

// effect verifies, takes the lease and applies. keep says that the working
// directory may hold what is nowhere else.
func (a *applying) effect(ctx context.Context, t Target, c *capsule.Capsule, closure, work string) (result pipelines.Result, keep bool) {
	if err := a.verify(t, c, closure); err != nil {
		return refusal("capsule", err), false
	}
	if err := a.ledger.Used(ctx, c.Digest); err != nil {
		return a.replayed(ctx, t, err, work), false
	}
	approval, err := a.approved(ctx, t, c)
	if err != nil {
		return refusal("approval", err), false
	}
	owner, err := ledger.NewOwner(a.Creator.Actor, ledger.CIFrom(os.Getenv))
	if err != nil {
		return pipelines.NotRunBecause(err), false
	}
	if err := mark(work, owner.Run); err != nil {
		return pipelines.NotRunBecause(err), false
	}
	lease, err := a.ledger.Acquire(ctx, leaseOf(t), owner, a.Lease)
	if err != nil {
		return pipelines.NotRunBecause(held(err, t, a.Mirror)), false
	}
	kept, stop := lease.Keep(ctx)
	defer func() {
		stop()
		if result.Verdict == pipelines.NotRun && keep { // recover needs to find it
			return
		}
		_ = clearWork(work) // while the lease still tells of it; that it is gone matters less than the result
		if err := lease.Release(context.WithoutCancel(ctx)); err != nil && result.Verdict != pipelines.NotRun {
			result = pipelines.NotRunBecause(fmt.Errorf("giving the lease back: %w", err))
		}
	}()
	e := &execution{applying: a, t: t, c: c, owner: owner, work: work, plan: filepath.Join(work, "open"), approval: approval}
	if refused, err := e.prepare(kept); err != nil {
		if errors.Is(err, errNothing) {
			return pipelines.Result{Reason: "planned again: " + err.Error()}, false
		}
		if refused != "" {
			return refusal(refused, err), false
		}
		return pipelines.NotRunBecause(err), false
	}
	return e.run(kept)
}

// replayed is what becomes of a capsule that was used before: it is never applied a
// second time. Where nobody named it, it is the last that was applied to the target
// and a plan is empty, there is nothing to do, and what depends on the target may go on.
func (a *applying) replayed(ctx context.Context, t Target, err error, work string) pipelines.Result {
	var used *ledger.UsedError
	if !errors.As(err, &used) {
		return pipelines.NotRunBecause(err)
	}
	if len(a.Files) > 0 {
		return refusal("capsule", err)
	}
	runs, failed := a.ledger.Runs(ctx, leaseOf(t))
	if failed != nil {
		return pipelines.NotRunBecause(failed)
	}
	if len(runs) == 0 || runs[len(runs)-1].ID != used.By.Run {
		return refusal("capsule", err)
	}
	for _, entry := range runs[len(runs)-1].Entries {
		if entry.Event == ledger.Finished && entry.Result != nil && entry.Result.OK {
			// What was applied may be gone again: only a plan without changes tells.
			if _, planned := a.again(ctx, t, work); !errors.Is(planned, errNothing) {
				return refusal("capsule", err)
			}
			return pipelines.Result{Reason: fmt.Sprintf("it was applied before, by run %s on %s: nothing is left to change", used.By.Run, used.At.UTC().Format(time.RFC3339))}
		}
	}
	return refusal("capsule", err)
}

// leaseOf names what a lease and a journal are about.
func leaseOf(t Target) string {
	if t.Unit.Path == "." { // no name in a store
		return t.Environment.Name + "/_root"
	}
	return t.Environment.Name + "/" + t.Unit.Path
}

func held(err error, t Target, mirror string) error {
	var other *ledger.HeldError
	if errors.As(err, &other) {
		hint := "wait for it to end"
		if other.Expired() {
			hint = recoverHint(t, mirror, "it finds out whether that run still lives, and what it did")
		}
		return &pipelines.Error{Err: err, Hint: hint}
	}
	return err
}

// prepare opens the capsule and compares it with the world as it is now. The first
// result names the rule by which it is refused.
func (e *execution) prepare(ctx context.Context) (refused string, err error) {
	if err := e.c.Open(e.Identities, e.plan); err != nil {
		if errors.Is(err, capsule.ErrRefused) {
			return "capsule", err
		}
		return "", err
	}
	e.w, err = open(ctx, reviewed, e.runner, e.Root, e.t, e.work, session{role: e.t.Environment.Roles.Apply, token: e.Token,
		actor: e.Creator.Actor, change: e.Creator.Change}, e.owner.Env())
	if err != nil {
		return "", err
	}
	modules, err := e.w.modules()
	if err != nil {
		return "", err
	}
	lock, err := e.w.keepLock(e.work)
	if err != nil {
		return "", err
	}
	current, err := e.w.pull(ctx)
	if err != nil {
		return "", err
	}
	if err := e.compared(lock, modules); err != nil {
		return "capsule", err
	}
	m := e.c.Manifest
	// Where there was no state its lineage is made when it is first written.
	moved := current.Serial != m.State.Serial || current.Lineage != m.State.Lineage && current.Lineage != ""
	if moved || len(m.After) > 0 {
		if err := e.replan(ctx); err != nil {
			if errors.Is(err, errReview) {
				return "approval", err
			}
			return "", err
		}
	}
	e.before = ledger.State{Lineage: current.Lineage, Serial: current.Serial}
	return e.recheck(ctx)
}

// recheck reads the plan file anew with terraform, because what was shown and
// judged was written by a process that ran code of the pull request.
func (e *execution) recheck(ctx context.Context) (refused string, err error) {
	again := filepath.Join(e.work, "again")
	if err := os.Mkdir(again, 0o700); err != nil {
		return "", err
	}
	if err := os.Link(filepath.Join(e.plan, PlanFile), filepath.Join(again, PlanFile)); err != nil {
		return "", err
	}
	if err := e.w.show(ctx, again); err != nil {
		return "", err
	}
	f, err := e.judge.read(ctx, filepath.Join(again, JSONFile), e.t)
	if err != nil {
		return "", err
	}
	same, err := e.reviewed(f)
	if err != nil {
		return "", err
	}
	if !same {
		return "capsule", errors.New("the plan file does not hold the changes that were reviewed")
	}
	// When it was planned the rules of the base counted: what the change itself waives
	// or switches off does not make it pass.
	if v := e.c.Manifest.Policies.Verdict; v != pipelines.Pass && v != pipelines.Waived && e.t.Environment.Gated() {
		return "policy", &pipelines.Error{Err: fmt.Errorf("by the rules of the base, when it was planned, the plan was judged %s", v),
			Hint: "mend it, or bring the waiver or rule to the trunk first, and plan again"}
	}
	if v := f.judged.Verdict; v != pipelines.Pass && v != pipelines.Waived && e.t.Environment.Gated() {
		return "policy", &pipelines.Error{Err: fmt.Errorf("by the rules of the trunk the plan is judged %s, with %d findings", v, len(f.judged.Findings)),
			Hint: "mend it, or waive it on the trunk, and plan again"}
	}
	// An environment may have got gates, or ask for a person sooner, since it was sealed.
	named := e.c.Manifest.Risk.Addresses
	for _, address := range f.manifestRisk(e.t, e.c.Manifest.Destroy).Addresses {
		if !slices.Contains(named, address) {
			return "approval", &pipelines.Error{Err: fmt.Errorf("%q needs a person by what holds now, and the capsule was sealed without that", address),
				Hint: "plan it again, and have it approved"}
		}
	}
	e.changes = f.list
	return "", nil
}

// reviewed says whether a plan does what the capsule's manifest binds.
func (e *execution) reviewed(f facts) (bool, error) {
	key, err := os.ReadFile(filepath.Join(e.plan, ChangesKey))
	if err != nil {
		return false, fmt.Errorf("reading the key of the changes: %w", err)
	}
	changes, err := bound(f.changes, key)
	return changes == e.c.Manifest.Changes, err
}
