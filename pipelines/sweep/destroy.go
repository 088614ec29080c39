package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// tries is how often a destroy is tried: what fails at first may depend on something that
// takes a while to go.
const tries = 3

// destroy destroys what the state holds. What remains is leaked.
func (w *workspace) destroy(ctx context.Context) error {
	state, err := w.state(ctx)
	if err != nil {
		return err
	}
	step := record.Step{Kind: record.Sweep, Held: state.Addresses()}
	if w.name != "default" {
		step.Workspace = w.name
	}
	seq, err := w.states.Step(ctx, w.d.Run, w.d.ID, step)
	if err != nil {
		return err
	}
	said, pause := "", w.Pause
	for try := 1; len(state.Resources) > 0 && try <= tries; try++ {
		if try > 1 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
			pause *= 3
		}
		args := append([]string{"destroy", "-auto-approve", "-input=false", "-no-color"}, w.vars...)
		out, err := w.terraform(ctx, args...)
		if err != nil {
			return err
		}
		w.result.Judged["destroys"]++
		said = firstLine(out.Stderr)
		if state, err = w.state(ctx); err != nil {
			return err
		}
	}
	for _, r := range state.Resources {
		w.leak(r.Address, r.Type, fmt.Sprintf("it could not be destroyed: %s", said))
	}
	settled := record.Step{Kind: record.Settled, Of: seq, Workspace: step.Workspace, Held: state.Addresses()}
	_, err = w.states.Step(ctx, w.d.Run, w.d.ID, settled)
	return err
}

// state is the state as it is now.
func (w *workspace) state(ctx context.Context) (deployed.State, error) {
	state, err := w.states.State(ctx, w.d.Run, w.d.ID, w.name)
	if errors.Is(err, store.ErrNotFound) {
		return deployed.State{}, nil
	}
	return state, err
}
