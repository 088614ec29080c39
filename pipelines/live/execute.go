package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
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
	defer func() { // a result that says to run recover leaves the lock to it
		if keep {
			return
		}
		if err := e.lock.release(surely); err != nil {
			result = pipelines.NotRunBecause(fmt.Errorf("releasing the lock of the state: %w", err))
		}
	}()
	if rule, err := e.unmoved(ctx); err != nil {
		return e.giveUp(surely, rule, err)
	}
	if err := e.ledger.Use(surely, e.c.Digest, e.owner); err != nil {
		rule := ""
		if errors.Is(err, ledger.ErrUsed) {
			rule = "capsule"
		}
		return e.giveUp(surely, rule, err)
	}
	if err := e.journal.Record(surely, ledger.Entry{Event: ledger.Started}); err != nil {
		return e.giveUp(surely, "", err)
	}
	exit, err := e.terraform(ctx)
	if err != nil {
		note := fmt.Sprintf("terraform was cut short: %v", err)
		_ = e.journal.Record(surely, ledger.Entry{Event: ledger.Failed, Payload: ledger.Payload{Note: note}}) // recover finds the intent all the same
		return pipelines.Result{Verdict: pipelines.NotRun, Reason: note, Hint: "run penstock recover: it says what was applied and what remains"}, true
	}
	return e.finish(surely, exit)
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

// giveUp ends a run of which nothing was done.
func (e *execution) giveUp(ctx context.Context, rule string, err error) (pipelines.Result, bool) {
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
	progress := &progress{journal: e.journal}
	done, err := e.w.Run(ctx, terraform.Command{Args: applyArgs(plan, e.LockTimeout, e.lock != nil), Stdout: &stream{to: log, hear: progress.hear}, Grace: grace})
	progress.flush(context.WithoutCancel(ctx))
	_, _ = log.Write(done.Stderr)
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
		return pipelines.Result{Verdict: pipelines.NotRun, Reason: "terraform could not write the state; it lies in " + filepath.Join(e.w.Unit, "errored.tfstate"),
			Hint: "run penstock recover: it writes the state where it belongs"}, true
	}
	payload := ledger.Payload{Capsule: e.c.Digest, Before: &e.before, After: &ledger.State{Lineage: after.Lineage, Serial: after.Serial},
		Result: &ledger.Result{OK: exit == 0, Exit: exit}}
	if err := e.journal.Record(ctx, ledger.Entry{Event: ledger.Finished, Payload: payload}); err != nil {
		return pipelines.NotRunBecause(fmt.Errorf("writing the result down: %w", err)), true
	}
	if exit != 0 {
		return pipelines.Result{Verdict: pipelines.NotRun, Judged: map[string]int{"changes": len(e.changes)},
			Reason: fmt.Sprintf("terraform apply ended with %d: a part of the changes may have been made", exit),
			Hint:   "open the log, then plan again: what was made is in the state"}, false
	}
	return pipelines.Result{Judged: map[string]int{"changes": len(e.changes)}, Reason: fmt.Sprintf("applied %s: %d changes", e.c.Digest, len(e.changes))}, false
}

// pulled is the head of a state, and the addresses in it.
type pulled struct {
	Lineage   string
	Serial    uint64
	Addresses map[string]bool
}

// pull reads the state from its backend.
func (w *unitWorkspace) pull(ctx context.Context) (pulled, error) {
	done, err := w.Run(ctx, terraform.Command{Args: []string{"state", "pull"}})
	if err != nil {
		return pulled{}, err
	}
	if done.Exit != 0 {
		return pulled{}, fmt.Errorf("reading the state: terraform state pull ended with %d", done.Exit)
	}
	p := pulled{}
	if p.Lineage, p.Serial, err = stateHead(done.Stdout); err != nil {
		return p, err
	}
	p.Addresses, err = addressesIn(done.Stdout)
	return p, err
}

// addressesIn lists the instances in a state, as terraform names them.
func addressesIn(state []byte) (map[string]bool, error) {
	addresses := map[string]bool{}
	if len(state) == 0 {
		return addresses, nil
	}
	var s struct {
		Resources []struct {
			Module, Mode, Type, Name string
			Instances                []struct {
				Key     json.RawMessage `json:"index_key"`
				Deposed string
			}
		}
	}
	if err := json.Unmarshal(state, &s); err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	for _, r := range s.Resources {
		address := r.Type + "." + r.Name
		if r.Mode == "data" {
			address = "data." + address
		}
		if r.Module != "" {
			address = r.Module + "." + address
		}
		for _, instance := range r.Instances {
			if instance.Deposed != "" {
				continue
			}
			if len(instance.Key) > 0 {
				addresses[address+"["+string(instance.Key)+"]"] = true
			} else {
				addresses[address] = true
			}
		}
	}
	return addresses, nil
}

// progress writes down what terraform has done, a few times a minute: who recovers
// reads it.
type progress struct {
	journal *ledger.Journal
	mu      sync.Mutex
	done    []ledger.Change
	last    time.Time
}

const flushEvery = 5 * time.Second

func (p *progress) hear(l line) {
	if l.Type != "apply_complete" {
		return
	}
	p.mu.Lock()
	p.done = append(p.done, ledger.Change{Address: l.Hook.Resource.Addr, Actions: []string{l.Hook.Action}})
	due := time.Since(p.last) > flushEvery
	p.mu.Unlock()
	if due {
		p.flush(context.Background())
	}
}

func (p *progress) flush(ctx context.Context) {
	p.mu.Lock()
	done := p.done
	p.done, p.last = nil, time.Now()
	p.mu.Unlock()
	if len(done) > 0 { // a journal that cannot be written now is seen when the result is
		_ = p.journal.Record(ctx, ledger.Entry{Event: ledger.Progress, Payload: ledger.Payload{Changes: done}})
	}
}
