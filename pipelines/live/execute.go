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
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// execution is the apply of one target, from the intent to the result.
type execution struct {
	*applying
	t     Target
	c     *capsule.Capsule
	owner ledger.Owner
	// work is where terraform works, plan where the opened capsule is.
	work, plan string
	w          *unitWorkspace
	before     ledger.State
	changes    []ledger.Change
	journal    *ledger.Journal
	lock       *stateLock
	progress   *progress
	// approval is who gave it on the forge; a signed one is in the store.
	approval string
}

// run writes the intent down, applies, and writes the result down. From the intent
// on, a Ctrl-C stops terraform, but never the writing.
func (e *execution) run(ctx context.Context) (result pipelines.Result, keep bool) {
	var err error
	if e.journal, err = e.ledger.Begin(leaseOf(e.t), e.owner); err != nil {
		return pipelines.NotRunBecause(err), false
	}
	if e.lock, err = e.w.lockOf(ctx, e.owner); err != nil {
		return pipelines.NotRunBecause(err), false
	}
	surely := context.WithoutCancel(ctx)
	intent := ledger.Entry{Event: ledger.Intent, Payload: ledger.Payload{Capsule: e.c.Digest, Backend: e.w.state.record(), Before: &e.before,
		LockID: e.lock.id(), Changes: e.changes, Note: e.work}}
	if err := e.journal.Record(surely, intent); err != nil {
		return pipelines.NotRunBecause(fmt.Errorf("writing the intent down: %w", err)), true
	}
	if err := e.lock.take(ctx, e.LockTimeout); err != nil {
		return e.giveUp(surely, "", err)
	}
	if rule, err := e.unmoved(ctx); err != nil {
		return e.giveUp(surely, rule, err)
	}
	if !e.now().Before(e.c.Manifest.Expires) { // it was waited for a lock meanwhile
		return e.giveUp(surely, "capsule", fmt.Errorf("the capsule held until %s", e.c.Manifest.Expires.Format(time.RFC3339)))
	}
	if err := e.ledger.Use(surely, e.c.Digest, e.owner); err != nil {
		rule := ""
		if errors.Is(err, ledger.ErrUsed) {
			rule = "capsule"
		}
		return e.giveUp(surely, rule, err)
	}
	if err := e.journal.Record(surely, ledger.Entry{Event: ledger.Started, Payload: ledger.Payload{Note: e.approval}}); err != nil {
		return e.giveUp(surely, "", err)
	}
	exit, err := e.terraform(ctx)
	if err == nil {
		err = crashed(exit)
	}
	if err != nil {
		note := fmt.Sprintf("terraform was cut short: %v", err)
		_ = e.journal.Record(surely, ledger.Entry{Event: ledger.Failed, Payload: ledger.Payload{Note: note}}) // recover finds the intent all the same
		return pipelines.Result{Verdict: pipelines.NotRun, Reason: note, Hint: recoverHint(e.t, e.Mirror, "it says what was applied and what remains")}, true
	}
	result, keep = e.finish(surely, exit)
	if name, err := e.keepLog(surely); err != nil {
		result.Reason += fmt.Sprintf("; its log could not be kept: %v", err)
	} else if name != "" {
		result.Reason += "; its log is " + name
	}
	return result, keep
}

// crashed says how terraform ended where that was not in an orderly way. What it had
// not written to the state by then is lost, and its providers may live on. An orderly
// apply ends with 0 or 1; a panic is 11, a fatal error of its runtime 2.
func crashed(exit int) error {
	switch {
	case exit < 0:
		return errors.New("a signal ended it")
	case exit > 1:
		return fmt.Errorf("it crashed, with %d", exit)
	}
	return nil
}

// unmoved compares the state with the one that was looked at before it was locked.
func (e *execution) unmoved(ctx context.Context) (rule string, err error) {
	if e.lock == nil {
		return "", nil // terraform compares under a lock of its own
	}
	now, err := e.w.pull(ctx)
	if err != nil {
		return "", err
	}
	if got := (ledger.State{Lineage: now.Lineage, Serial: now.Serial}); got != e.before {
		return "capsule", fmt.Errorf("the state moved while it was being locked: its serial is %d, it was %d", got.Serial, e.before.Serial)
	}
	return "", nil
}

// giveUp ends a run of which nothing was done. A journal is closed when no lock is
// left: recover looks at those that are open.
func (e *execution) giveUp(ctx context.Context, rule string, err error) (pipelines.Result, bool) {
	if unlocked := e.lock.drop(ctx); unlocked != nil {
		return pipelines.NotRunBecause(errors.Join(err, unlocked)), true
	}
	done := ledger.Entry{Event: ledger.Finished, Payload: ledger.Payload{After: &e.before, Result: &ledger.Result{}, Note: "nothing was applied"}}
	if wrote := e.journal.Record(ctx, done); wrote != nil {
		return pipelines.NotRunBecause(errors.Join(err, wrote)), true
	}
	if rule != "" {
		return refusal(rule, err), false
	}
	return pipelines.NotRunBecause(err), false
}

// terraform applies the plan file and returns its exit code. A context that ends
// asks it to stop, and waits.
func (e *execution) terraform(ctx context.Context) (int, error) {
	log, err := os.OpenFile(filepath.Join(e.work, LogFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("writing the log: %w", err)
	}
	defer log.Close()
	plan, err := filepath.Abs(filepath.Join(e.plan, PlanFile))
	if err != nil {
		return 0, err
	}
	e.progress = &progress{journal: e.journal, made: map[string]bool{}}
	// Into the file, and not through us: should we be killed, terraform goes on and
	// writes the state, where a pipe that nobody reads would be its end.
	stop, err := follow(log.Name(), e.progress.hear)
	if err != nil {
		return 0, fmt.Errorf("reading the log: %w", err)
	}
	done, err := e.w.Run(ctx, terraform.Command{Args: applyArgs(plan, e.LockTimeout, e.lock != nil), Stdout: log, Grace: grace})
	stop()
	e.progress.flush(context.WithoutCancel(ctx))
	_, _ = log.Write(done.Stderr)
	if ctx.Err() != nil && done.Exit >= 0 {
		err = nil // it was asked to stop, and did in an orderly way
	}
	return done.Exit, err
}

// applyArgs is the command line of an apply; locked says that we hold the lock.
func applyArgs(plan string, wait time.Duration, locked bool) []string {
	lock := "-lock-timeout=" + wait.String()
	if locked {
		lock = "-lock=false"
	}
	return []string{"apply", "-json", "-input=false", "-auto-approve", lock, plan}
}
