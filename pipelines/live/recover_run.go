package live

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/terraform"
)

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
	if err := r.sameState(t, run.Entries[0].Backend, w.state); err != nil {
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
func (r *recovering) sameState(t Target, was *ledger.Backend, now state) error {
	if was == nil {
		return nil
	}
	then := state{kind: was.Type, args: was.Coordinates}
	if then.String() == now.String() {
		return nil
	}
	return &pipelines.Error{Err: fmt.Errorf("looking at its state: the run changed %q, and the unit keeps its state in %q now", then, now),
		Hint: "check out the commit that was applied, and run " + t.command("recover", "", r.Mirror) + " there"}
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
