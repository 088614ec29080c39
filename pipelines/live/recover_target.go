package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// target recovers one target.
func (r *recovering) target(ctx context.Context, t Target) pipelines.Result {
	lease, err := r.ledger.Look(ctx, leaseOf(t))
	free := errors.Is(err, store.ErrNotFound)
	if err != nil && !free {
		return pipelines.NotRunBecause(err)
	}
	runs := r.runs[leaseOf(t)]
	if free && len(runs) == 0 {
		return r.onlyPlanned(ctx, t)
	}
	owners := map[string]ledger.Owner{}
	if !free {
		owners[lease.Owner.Run] = lease.Owner
	}
	for _, run := range runs {
		owners[run.ID] = run.Owner()
	}
	for id, owner := range owners {
		if slices.ContainsFunc(runs, func(run ledger.Run) bool { return run.ID == id && givenUp(run) }) {
			continue
		}
		if result := r.dead(ctx, t, owner); result.Verdict != "" {
			return result
		}
	}
	if free { // nobody begins to apply while it is looked at
		owner, err := ledger.NewOwner(r.Creator.Actor, ledger.CIFrom(os.Getenv))
		if err != nil {
			return pipelines.NotRunBecause(err)
		}
		own, err := r.ledger.Acquire(ctx, leaseOf(t), owner, 10*time.Minute)
		if err != nil {
			return pipelines.NotRunBecause(held(err, t, r.Mirror))
		}
		defer own.Release(context.WithoutCancel(ctx)) //nolint:errcheck // it runs out, and recover is run again
	}
	var said []string
	var open []pipelines.Finding
	for _, run := range runs {
		done, unknown, err := r.run(ctx, t, run)
		if err != nil {
			return pipelines.NotRunBecause(fmt.Errorf("recovering the run %s: %w", run.ID, err))
		}
		said, open = append(said, done), append(open, unknown...)
	}
	if !free {
		if err := sweep(lease.Owner.Run, ""); err != nil { // before nothing tells of that run any more
			return pipelines.NotRunBecause(fmt.Errorf("removing what the run %s left: %w", lease.Owner.Run, err))
		}
		// Should its owner have renewed it since, it lives, and this fails.
		if err := r.ledger.Break(ctx, leaseOf(t), lease.Version); err != nil {
			return pipelines.NotRunBecause(fmt.Errorf("releasing the lease: %w", err))
		}
		said = append(said, "the lease of "+lease.Owner.Run+" is released")
	}
	return pipelines.Result{Reason: strings.Join(said, "; "), Judged: map[string]int{"runs": len(runs)}, Findings: open}
}

// dead returns no verdict for a run that is proven dead.
func (r *recovering) dead(ctx context.Context, t Target, owner ledger.Owner) pipelines.Result {
	state, why := r.Coroner.Alive(ctx, owner)
	if state == ledger.Living && r.End {
		var err error
		if state, why, err = r.ended(ctx, owner); err != nil {
			return pipelines.NotRunBecause(err)
		}
	}
	if state == ledger.Dead {
		return pipelines.Result{}
	}
	hint := "wait until it ends; orphans of a penstock that is gone are ended by " + t.command("recover", "", r.Mirror, "--end")
	if state != ledger.Living {
		hint = "a person who knows that it is dead says so: " + t.command("unlock", "", "", "--run", owner.Run)
	}
	return pipelines.Result{Verdict: pipelines.NotRun, Reason: fmt.Sprintf("the run %s of %s is %s: %s", owner.Run, owner.Actor, state, why), Hint: hint}
}

// givenUp says whether a person has said that the run is dead.
func givenUp(run ledger.Run) bool {
	return slices.ContainsFunc(run.Entries, func(e ledger.Entry) bool { return e.Event == ledger.Released })
}
