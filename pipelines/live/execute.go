package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/redact"
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
		return pipelines.Result{Verdict: pipelines.NotRun, Reason: note, Hint: "run penstock recover: it says what was applied and what remains"}, true
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

// finish compares the state with the one before and closes the journal.
func (e *execution) finish(ctx context.Context, exit int) (pipelines.Result, bool) {
	after, err := e.w.pull(ctx)
	if err != nil {
		return pipelines.NotRunBecause(fmt.Errorf("reading the state after the apply: %w", err)), true
	}
	if _, err := os.Stat(filepath.Join(e.w.Unit, "errored.tfstate")); err == nil {
		left := filepath.Join(e.w.Unit, "errored.tfstate")
		result := pipelines.Result{Verdict: pipelines.NotRun, Reason: "terraform could not write the state; it lies in " + left,
			Hint: "run penstock recover on this machine: it writes the state where it belongs"}
		// In a container it is gone with it.
		if name, err := e.keep(ctx, left, "states", ".tfstate.age"); err == nil && name != "" {
			result.Reason += ", and encrypted in the store as " + name
		}
		return result, true
	}
	// From here on recover has nothing to do, so it must find nothing.
	if err := e.lock.release(ctx); err != nil {
		return pipelines.NotRunBecause(fmt.Errorf("releasing the lock of the state: %w", err)), true
	}
	unknown := e.progress.unknown(after)
	payload := ledger.Payload{Capsule: e.c.Digest, Before: &e.before, After: &ledger.State{Lineage: after.Lineage, Serial: after.Serial},
		Result: &ledger.Result{OK: exit == 0, Exit: exit}, Changes: unknown}
	if err := e.journal.Record(ctx, ledger.Entry{Event: ledger.Finished, Payload: payload}); err != nil {
		return pipelines.NotRunBecause(fmt.Errorf("writing the result down: %w", err)), true
	}
	if exit != 0 {
		return e.broke(exit, unknown), false
	}
	return e.settled(ctx), false
}

// broke is the result of an apply that terraform ended with an error: in an orderly
// way, so that the state tells what was done, apart from what is not known.
func (e *execution) broke(exit int, unknown []ledger.Change) pipelines.Result {
	result := pipelines.Result{Verdict: pipelines.NotRun, Judged: map[string]int{"changes": len(e.changes)},
		Reason: fmt.Sprintf("terraform apply ended with %d: a part of the changes may have been made", exit),
		Hint:   "plan again: what was made is in the state", Findings: remains{unknown: unknown}.findings()}
	o, err := public(e.t, e.Config)
	if err != nil {
		return result
	}
	// What the plan knows to be sensitive may turn up in its errors.
	if err := onFile(filepath.Join(e.work, "again", JSONFile), func(r io.Reader) (err error) {
		o, err = redact.WithPlan(o, r)
		return err
	}); err != nil {
		return result
	}
	_ = onFile(filepath.Join(e.work, LogFile), func(r io.Reader) error {
		if shown := redact.Diagnostics(r, o); len(shown) > 0 {
			result.Reason += ": " + shown[len(shown)-1]
		}
		return nil
	})
	return result
}

// settled looks at the world after the apply: whether a new plan is empty, and what
// the rules say of what there is now.
func (e *execution) settled(ctx context.Context) pipelines.Result {
	result := pipelines.Result{Judged: map[string]int{"changes": len(e.changes)}, Reason: fmt.Sprintf("applied %s: %d changes", e.c.Digest, len(e.changes))}
	after := filepath.Join(e.work, "after")
	if err := os.Mkdir(after, 0o700); err != nil {
		return unsettled(result, err)
	}
	exit, err := e.w.plan(ctx, after, -1, e.Destroy || e.t.removed)
	if err == nil && exit != 0 && exit != 2 {
		err = fmt.Errorf("terraform plan ended with %d", exit)
	}
	if err == nil {
		err = e.w.show(ctx, after)
	}
	if err != nil {
		return unsettled(result, err)
	}
	if exit == 2 {
		result.Reason += "; a plan made after it is not empty: what was applied does not stay as it is written"
	}
	f, err := read(ctx, filepath.Join(after, JSONFile), e.t, e.root, nil, e.Config)
	if err != nil {
		return unsettled(result, err)
	}
	if v := f.judged.Verdict; v == pipelines.Fail || v == pipelines.NotRun {
		result.Findings = append(result.Findings, f.judged.Findings...)
	}
	return result
}

// unsettled: it was applied, but nobody looked at what came of it.
func unsettled(result pipelines.Result, err error) pipelines.Result {
	result.Verdict = pipelines.NotRun
	result.Reason += fmt.Sprintf("; looking at what came of it: %v", err)
	result.Hint = "it was applied: run penstock drift to look again"
	return result
}

// keepLog keeps the log.
func (e *execution) keepLog(ctx context.Context) (string, error) {
	return e.keep(ctx, filepath.Join(e.work, LogFile), "logs", ".age")
}

// keep encrypts a file to those who may open plans, and returns its name in the store.
func (e *execution) keep(ctx context.Context, file, kind, suffix string) (string, error) {
	if len(e.Config.Live.Recipients) == 0 {
		return "", nil
	}
	sealed, err := os.Create(filepath.Join(e.work, kind+suffix))
	if err != nil {
		return "", err
	}
	defer sealed.Close()
	to, err := capsule.Encrypt(sealed, e.Config.Live.Recipients)
	if err != nil {
		return "", err
	}
	err = onFile(file, func(r io.Reader) error {
		_, err := io.Copy(to, r)
		return err
	})
	if err = errors.Join(err, to.Close()); err != nil {
		return "", err
	}
	if _, err := sealed.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	name := path.Join(kind, e.t.Environment.Name, hexOf(digestOf(e.t.Unit.Path))[:24], e.owner.Run+suffix)
	return name, e.Store.Create(ctx, name, sealed)
}
