package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/statelock"
)

// planInfo begins what a plan writes into its lock; its owner follows as JSON. Plans
// have no journal: whoever finds the lock learns from it whose it is, and can prove
// that they are dead.
const planInfo = "penstock plan "

// locked plans under a lock of the state that says which plan holds it, where the
// backend has such a lock; elsewhere terraform takes its own. A negative LockTimeout
// takes none.
func (p *planning) locked(ctx context.Context, t Target, w *unitWorkspace, out string) (exit int, err error) {
	if p.LockTimeout < 0 {
		return w.plan(ctx, out, noLock, p.destroys(t))
	}
	owner, err := ledger.NewOwner(p.Creator.Actor, ledger.CIFrom(os.Getenv))
	if err != nil {
		return 0, err
	}
	w.ofRun = []string{owner.Env()}
	lock, err := w.lockOf(ctx, owner)
	if err != nil {
		return 0, err
	}
	if lock == nil {
		return w.plan(ctx, out, p.LockTimeout, p.destroys(t))
	}
	text, err := json.Marshal(owner)
	if err != nil {
		return 0, err
	}
	lock.info.ID, lock.info.Operation, lock.info.Info = uuid.NewString(), "OperationTypePlan", planInfo+string(text)
	if err := lock.take(ctx, p.LockTimeout); err != nil {
		return 0, errors.Join(err, lock.drop(context.WithoutCancel(ctx))) // the answer may be all that was lost
	}
	defer func() {
		if dropped := lock.drop(context.WithoutCancel(ctx)); dropped != nil {
			err = errors.Join(err, dropped)
		}
	}()
	return w.plan(ctx, out, noLock, p.destroys(t))
}

// planner is the plan of ours that took a lock; false for a lock of anybody else.
func planner(info statelock.Info) (ledger.Owner, bool) {
	text, ours := strings.CutPrefix(info.Info, planInfo)
	var owner ledger.Owner
	if !ours || json.Unmarshal([]byte(text), &owner) != nil || owner.Run == "" {
		return ledger.Owner{}, false
	}
	return owner, true
}

// ofPlan releases the lock that a plan of ours has left, if the plan is proven dead.
// It says what it found, "" where there is no lock; unknown says that a lock is left of
// which nobody can tell whether its holder lives.
func (r *recovering) ofPlan(ctx context.Context, t Target) (said string, unknown bool, err error) {
	lock, err := lookAt(ctx, r.Root, t, session{role: t.Environment.Roles.Apply, token: r.Token, actor: r.Creator.Actor, change: "recover"})
	if err != nil || lock == nil {
		return "", false, err
	}
	if lock.file != "" { // the kernel tells: a plan that is gone has released it
		if lock.Holder != 0 {
			return fmt.Sprintf("the state is locked by the process %d, which lives", lock.Holder), false, nil
		}
		return "what is left of the lock of " + lock.String() + " is removed", false, lock.Release(ctx, lock.ID)
	}
	owner, ours := planner(lock.Info)
	if !ours {
		return "the state is locked by " + lock.String(), true, nil
	}
	state, why := r.Coroner.Alive(ctx, owner)
	if state == ledger.Living && r.End {
		if state, why, err = r.ended(ctx, owner); err != nil {
			return "", false, err
		}
	}
	switch state {
	case ledger.Dead:
		if err := lock.Release(ctx, lock.ID); err != nil {
			return "", false, err
		}
		return "the lock of a plan of " + owner.Actor + " that was cut off is released: " + why, false, nil
	case ledger.Living:
		return "the state is locked by a plan of " + owner.Actor + " that lives: " + why, false, nil
	}
	return "the state is locked by a plan of " + owner.Actor + ", of which nobody knows whether it lives: " + why, true, nil
}

// onlyPlanned is what is said of a target of which no apply was cut off.
func (r *recovering) onlyPlanned(ctx context.Context, t Target) pipelines.Result {
	said, unknown, err := r.ofPlan(ctx, t)
	switch {
	case err != nil:
		return pipelines.NotRunBecause(fmt.Errorf("no apply was cut off; %w", err))
	case said == "":
		return pipelines.Result{Reason: "no apply was cut off"}
	case unknown:
		f := pipelines.Finding{Rule: "locked", Verdict: pipelines.Unknown, Message: said,
			Hint: "a person who knows that its holder is gone says so: " + t.command("unlock", "", "")}
		return pipelines.Result{Reason: "no apply was cut off", Findings: []pipelines.Finding{f}}
	}
	return pipelines.Result{Reason: "no apply was cut off; " + said}
}

// ended kills what is left of a run on this machine, and waits until it is gone.
func (r *recovering) ended(ctx context.Context, owner ledger.Owner) (state ledger.Liveness, why string, err error) {
	if _, err := ledger.End(owner); err != nil {
		return ledger.Unknown, "", err
	}
	for range 50 { // a process that was killed is there for a while
		if state, why = r.Coroner.Alive(ctx, owner); state != ledger.Living {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return state, why, nil
}
