package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/redact"
)

// finish compares the state with the one before and closes the journal.
func (e *execution) finish(ctx context.Context, exit int) (pipelines.Result, bool) {
	after, err := e.w.pull(ctx)
	if err != nil {
		return pipelines.NotRunBecause(fmt.Errorf("reading the state after the apply: %w", err)), true
	}
	if _, err := os.Stat(filepath.Join(e.w.Unit, "errored.tfstate")); err == nil {
		left := filepath.Join(e.w.Unit, "errored.tfstate")
		result := pipelines.Result{Verdict: pipelines.NotRun, Reason: "terraform could not write the state; it lies in " + left,
			Hint: recoverHint(e.t, e.Mirror, "on this machine it writes the state where it belongs")}
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
		return e.unsettled(result, err)
	}
	exit, err := e.w.plan(ctx, after, noLock, e.Destroy || e.t.removed)
	if err == nil && exit != 0 && exit != 2 {
		err = fmt.Errorf("terraform plan ended with %d", exit)
	}
	if err == nil {
		err = e.w.show(ctx, after)
	}
	if err != nil {
		return e.unsettled(result, err)
	}
	if exit == 2 {
		result.Reason += "; a plan made after it is not empty: what was applied does not stay as it is written"
	}
	f, err := e.judge.read(ctx, filepath.Join(after, JSONFile), e.t)
	if err != nil {
		return e.unsettled(result, err)
	}
	if v := f.judged.Verdict; v == pipelines.Fail || v == pipelines.NotRun {
		result.Findings = append(result.Findings, f.judged.Findings...)
	}
	return result
}

// unsettled: it was applied, but nobody looked at what came of it.
func (e *execution) unsettled(result pipelines.Result, err error) pipelines.Result {
	result.Verdict = pipelines.NotRun
	result.Reason += fmt.Sprintf("; looking at what came of it: %v", err)
	result.Hint = "it was applied: run " + e.t.command("drift", "", e.Mirror) + " to look again"
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
