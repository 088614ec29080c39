package sweep

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// one is one deployment that is swept.
type one struct {
	*sweeping
	run    deployed.Run
	d      deployed.Deployment
	result pipelines.Result
	// unreadable: there is a state, and it cannot be read.
	unreadable bool
}

// sweep destroys what is left of a deployment.
func (o *one) sweep(ctx context.Context) pipelines.Result {
	o.result = pipelines.Result{Verdict: pipelines.Pass, Why: []string{o.whose()}, Judged: map[string]int{}}
	if o.d.Undone {
		o.result.Reason = "it was undone"
		return o.result
	}
	if err := o.tests(ctx); err != nil {
		return pipelines.NotRunBecause(err)
	}
	for _, workspace := range o.d.Workspaces {
		if err := o.workspace(ctx, workspace); err != nil {
			failed := pipelines.NotRunBecause(err)
			o.result.Verdict, o.result.Reason, o.result.Hint = failed.Verdict, failed.Reason, failed.Hint
		}
	}
	if o.result.Verdict == pipelines.Pass && len(o.result.Findings) == 0 {
		if err := o.states.Undo(ctx, o.d.Run, o.d.ID, o.owner.String()); err != nil {
			return pipelines.NotRunBecause(err)
		}
	}
	return o.result
}

// whose says of which case a deployment is.
func (o *one) whose() string {
	name := o.d.Case
	if name == "" {
		name = "a test"
	}
	return printable.Text(fmt.Sprintf("%s deployed %s", name, o.d.Dir), 400)
}

// leak says that something may exist.
func (o *one) leak(address, kind, why string) {
	age := time.Since(o.d.Begun).Round(time.Second)
	o.result.Findings = append(o.result.Findings, pipelines.Finding{Rule: LeakRule, Verdict: pipelines.Fail, Severity: pipelines.High, Resource: address,
		Message: printable.Text(fmt.Sprintf("%s (%s) of %s, begun %v ago by %s, may exist: %s", address, kind, cmpOr(o.d.Case, "a test"), age, o.run.Owner.Actor, why), 1200),
		Hint:    "look for the tag penstock:run = " + o.d.Run + "; then penstock sweep " + o.d.Run})
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// workspace destroys what one workspace holds: its state, and what may have been made that
// the state does not know.
func (o *one) workspace(ctx context.Context, name string) error {
	last := o.lastStep(name)
	if last == nil {
		return nil // it was initialized, and nothing was ever let go
	}
	state, lost, since, err := o.best(ctx, name)
	if err != nil {
		return err
	}
	orphans := o.orphans(name, state, lost, since)
	if o.unreadable && !slices.ContainsFunc(o.d.Steps, func(s record.Step) bool { return s.Kind == record.Apply }) {
		o.leak("state of "+name, "state", "the state cannot be read, and what was to be made was never said: penstock was not around its test")
	}
	o.result.Judged["objects"] += len(state.Resources)
	o.result.Judged["orphans"] += len(orphans)
	if len(state.Resources) == 0 && !slices.ContainsFunc(orphans, hasObject) {
		return nil
	}
	if err := o.unlock(ctx, name); err != nil {
		return err
	}
	if err := o.restore(ctx, name, state, lost); err != nil { // init reads it
		return err
	}
	work, err := os.MkdirTemp("", "penstock-")
	if err != nil {
		return fmt.Errorf("making room to work: %w", err)
	}
	defer os.RemoveAll(work)
	w, err := o.open(ctx, work, name, last)
	if err != nil {
		return err
	}
	if err := w.adopt(ctx, slices.DeleteFunc(orphans, func(c orphan) bool { return !hasObject(c) }), state, lost); err != nil {
		return err
	}
	return w.destroy(ctx)
}

func hasObject(c orphan) bool {
	how, _ := deployed.AdoptionOf(c.Type)
	return how != deployed.Nothing
}

// lastStep is the last that had a configuration in a workspace.
func (o *one) lastStep(workspace string) *record.Step {
	for i := len(o.d.Steps) - 1; i >= 0; i-- {
		if s := &o.d.Steps[i]; s.Config != "" && deployed.Workspace(*s) == workspace {
			return s
		}
	}
	return nil
}

// best is the best that is known of a state: what stands in its place, or a copy that is
// newer, which terraform could not write. Lost says that it is no longer what it was; since
// is the step up to which the copy tells everything.
func (o *one) best(ctx context.Context, workspace string) (state deployed.State, lost bool, since int, err error) {
	state, err = o.states.State(ctx, o.d.Run, o.d.ID, workspace)
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, deployed.ErrState) {
		return state, false, 0, err
	}
	o.unreadable = errors.Is(err, deployed.ErrState)
	copies, failed := o.states.Snapshots(ctx, o.d.Run, o.d.ID, workspace)
	if failed != nil {
		return state, false, 0, failed
	}
	const none = math.MinInt
	newest := none
	for seq, copied := range copies {
		since = max(since, seq)
		if newest == none || copied.Serial > copies[newest].Serial {
			newest = seq
		}
	}
	switch {
	case err == nil && (newest == none || copies[newest].Serial <= state.Serial || copies[newest].Lineage != state.Lineage):
		return state, false, 0, nil
	case newest != none:
		return copies[newest], true, since, nil
	case o.unreadable || o.made(workspace):
		return deployed.State{}, true, 0, nil
	}
	return deployed.State{}, false, 0, nil
}

// made says whether a step came to its end that made something: there has to be a state.
func (o *one) made(workspace string) bool {
	return slices.ContainsFunc(o.d.Steps, func(s record.Step) bool {
		return s.Kind == record.Settled && deployed.Workspace(s) == workspace && len(s.Held) > 0
	})
}

// orphans are what an apply that was cut off may have made, and that no state has known
// since. Where the state was lost, so is what every apply made that no copy tells of.
func (o *one) orphans(workspace string, state deployed.State, lost bool, since int) []orphan {
	var found []orphan
	known := state.Addresses()
	for _, step := range o.d.Steps {
		if step.Kind != record.Apply || deployed.Workspace(step) != workspace || o.d.Ended(step.Seq) && !(lost && step.Seq > since) {
			continue
		}
		for _, c := range step.Creates {
			seen := slices.ContainsFunc(o.d.Steps, func(later record.Step) bool {
				return later.Seq > step.Seq && (!lost || later.Seq <= since) && deployed.Workspace(later) == workspace && slices.Contains(later.Held, c.Address)
			})
			again := slices.ContainsFunc(found, func(f orphan) bool { return f.Address == c.Address && f.Identity == c.Identity })
			if !seen && !again && !slices.Contains(known, c.Address) {
				found = append(found, orphan{Create: c, seq: step.Seq})
			}
		}
	}
	return found
}

// firstLine is what terraform said went wrong.
func firstLine(text []byte) string {
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(line), "│╷╵"))
		if rest, ok := strings.CutPrefix(line, "Error: "); ok {
			return printable.Text(rest, 300)
		}
	}
	return printable.Text(strings.TrimSpace(string(text)), 300)
}
