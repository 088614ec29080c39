package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// RecoverStage is the name of the stage.
const RecoverStage = "recover"

// Recover finds applies that were cut off, and cleans up after those that are
// proven dead: it writes a state that was left on disk where it belongs, releases
// the lock and the lease, and says what was applied, what is not known, and what
// remains. It never touches what may belong to a run that lives.
type Recover struct {
	pipelines.Scope
	// Config is penstock.yaml of the trunk.
	Config *config.Config
	// Store is the one that the apply had.
	Store store.Store
	// Coroner says whether a run is dead.
	Coroner ledger.Coroner
	// End kills what is left on this machine of a run that was cut off.
	End bool
	// Creator is who recovers.
	Creator Creator
	// Program, Mirror, Cache and Token are those of Apply.
	Program, Mirror, Cache, Token string
	// Environments and Only choose among the targets, as in Plan.
	Environments, Only []string
	// Now is the time of the run. Default: now.
	Now time.Time
}

// recovering is one run of the stage.
type recovering struct {
	Recover
	root   *os.Root
	runner *terraform.Runner
	ledger *ledger.Ledger
	runs   map[string][]ledger.Run // unfinished, by target
}

// Run looks at every target, and at every journal that was not closed.
func (r Recover) Run(ctx context.Context) (*pipelines.Report, error) {
	if r.Config == nil {
		r.Config = &config.Config{Version: 1}
	}
	if r.Now.IsZero() {
		r.Now = time.Now()
	}
	root, err := os.OpenRoot(r.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	defer root.Close()
	targets, done, err := Select(root, r.Scope, r.Config.Live, r.Environments, r.Only)
	if err != nil {
		return nil, err
	}
	defer done()
	runner, err := terraform.Runner{Program: r.Program, Mirror: r.Mirror, Cache: r.Cache, Allow: r.Config.Live.Allow.Providers}.Open()
	if err != nil {
		return nil, err
	}
	run := &recovering{Recover: r, root: root, runner: runner, ledger: ledger.New(r.Store), runs: map[string][]ledger.Run{}}
	unfinished, err := run.ledger.Unfinished(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[string]Target{}
	for _, t := range targets {
		byID[t.ID()] = t
	}
	known := func(lease string) bool {
		return slices.ContainsFunc(targets, func(t Target) bool { return leaseOf(t) == lease })
	}
	var notices []pipelines.Notice
	var gone []pipelines.Result
	for _, u := range unfinished {
		run.runs[u.Target] = append(run.runs[u.Target], u)
		switch {
		case known(u.Target):
		case r.nowhere(u.Target):
			gone = append(gone, pipelines.Result{Stage: RecoverStage, Unit: u.Target, Verdict: pipelines.NotRun,
				Reason: fmt.Sprintf("the run %s was cut off, and there is no such unit here any more", u.ID),
				Hint:   "check out a commit that still has it, and run penstock recover there"})
		default:
			notices = append(notices, pipelines.Notice{Message: fmt.Sprintf("the run %s on %q was cut off, but that is not among the units looked at here", u.ID, u.Target)})
		}
	}
	scope := r.Scope
	scope.Selection = asUnits(r.Selection, targets)
	report := scope.Each(ctx, RecoverStage, func(ctx context.Context, unit pipelines.Unit) pipelines.Result {
		return run.target(ctx, byID[unit.Path])
	})
	report.Notices, report.Results = append(report.Notices, notices...), append(report.Results, gone...)
	report.Close()
	return report, nil
}

// nowhere says whether a lease is of no unit that there is, so that no choice of units
// would ever come to it. Where environments or targets were chosen, others are left out.
func (r Recover) nowhere(lease string) bool {
	return len(r.Environments)+len(r.Only) == 0 && !slices.ContainsFunc(r.Selection.Live, func(path string) bool {
		return strings.HasSuffix(lease, "/"+path) || path == "." && strings.HasSuffix(lease, "/_root")
	})
}

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
		if result := r.dead(ctx, owner); result.Verdict != "" {
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
			return pipelines.NotRunBecause(held(err))
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
func (r *recovering) dead(ctx context.Context, owner ledger.Owner) pipelines.Result {
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
	hint := "wait until it ends; orphans of a penstock that is gone are ended by penstock recover --end"
	if state != ledger.Living {
		hint = "a person who knows that it is dead says so: penstock unlock"
	}
	return pipelines.Result{Verdict: pipelines.NotRun, Reason: fmt.Sprintf("the run %s of %s is %s: %s", owner.Run, owner.Actor, state, why), Hint: hint}
}

// givenUp says whether a person has said that the run is dead.
func givenUp(run ledger.Run) bool {
	return slices.ContainsFunc(run.Entries, func(e ledger.Entry) bool { return e.Event == ledger.Released })
}

// run recovers one run that is dead.
func (r *recovering) run(ctx context.Context, t Target, run ledger.Run) (string, []pipelines.Finding, error) {
	work, err := os.MkdirTemp("", "penstock-")
	if err != nil {
		return "", nil, fmt.Errorf("making room to work: %w", err)
	}
	defer os.RemoveAll(work)
	w, err := open(ctx, reviewed, r.runner, r.Root, t, work, session{role: t.Environment.Roles.Apply, token: r.Token,
		actor: r.Creator.Actor, change: "recover"}, run.Owner().Env())
	if err != nil {
		return "", nil, err
	}
	if err := sameState(run.Entries[0].Backend, w.state); err != nil {
		return "", nil, err
	}
	owner, err := ledger.NewOwner(r.Creator.Actor, ledger.CIFrom(os.Getenv))
	if err != nil {
		return "", nil, err
	}
	journal, err := r.ledger.Continue(ctx, leaseOf(t), run.ID, owner)
	if err != nil {
		return "", nil, err
	}
	lock, err := w.lockOfDead(ctx, r.Root, run, owner)
	if err != nil {
		return "", nil, err
	}
	unlocked := lock.there
	pushed, err := w.push(ctx, run, &lock)
	if err != nil {
		return "", nil, err
	}
	after, err := w.pull(ctx)
	if err != nil {
		return "", nil, err
	}
	if released, err := lock.release(ctx); err != nil {
		return "", nil, err
	} else if lock.file != "" {
		unlocked = released
	}
	if err := sweep(run.ID, run.Entries[0].Note); err != nil {
		return "", nil, fmt.Errorf("removing what it left: %w", err)
	}
	found := compare(run, after)
	note := found.String()
	if unlocked {
		note += "; the lock of the state is released"
	}
	if pushed {
		note += "; the state that was left on disk is written"
	}
	return fmt.Sprintf("run %s of %s: %s", run.ID, run.Owner().Actor, note), found.findings(), journal.Record(ctx, ledger.Entry{Event: ledger.Recovered, Payload: ledger.Payload{
		After: &ledger.State{Lineage: after.Lineage, Serial: after.Serial}, Changes: found.unknown, Note: note}})
}

// sameState refuses to look at another state than the one that a run changed: the unit
// may keep it elsewhere by now, where neither its lock nor what it did is to be found.
func sameState(was *ledger.Backend, now state) error {
	if was == nil {
		return nil
	}
	then := state{kind: was.Type, args: was.Coordinates}
	if then.String() == now.String() {
		return nil
	}
	return &pipelines.Error{Err: fmt.Errorf("looking at its state: the run changed %q, and the unit keeps its state in %q now", then, now),
		Hint: "check out the commit that was applied, and run penstock recover there"}
}

// push writes the state that terraform could not write to its backend, if it still
// lies where the run worked. Terraform refuses one that is not the state's next. The
// lock of the run is held meanwhile, so that nobody else writes.
func (w *unitWorkspace) push(ctx context.Context, run ledger.Run, lock *deadLock) (bool, error) {
	if len(run.Entries) == 0 || !marked(run.Entries[0].Note, run.ID) {
		return false, nil
	}
	var left string
	err := filepath.WalkDir(run.Entries[0].Note, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == "errored.tfstate" {
			left = name
		}
		return nil // what cannot be read, or is gone, is not there
	})
	if err != nil || left == "" {
		return false, err
	}
	if err := lock.take(ctx); err != nil {
		return false, err
	}
	args := []string{"state", "push"}
	if lock.there {
		args = append(args, "-lock=false")
	} else if _, err := lock.release(ctx); err != nil { // of a state in a file: terraform takes its own
		return false, err
	}
	done, err := w.Run(ctx, terraform.Command{Args: append(args, left)})
	if err == nil && done.Exit != 0 {
		err = &pipelines.Error{Err: fmt.Errorf("writing the state that was left in %q: terraform state push ended with %d", left, done.Exit),
			Hint: "look at both states, and push the right one yourself"}
	}
	return err == nil, err
}
