package forge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// Deployment is a workflow run that is not over, and who let it use environments.
type Deployment struct {
	// Commit is what the run is of.
	Commit string
	// Created is when its first attempt was made: nobody approved it before.
	Created   time.Time
	Approvals []Approval
}

// Deployment returns who approved the environments of the run that asks. A run of
// another repository or forge, an attempt that is not the latest and one that is over
// are errors: what was approved there is not what happens here.
//
// It needs the permission "actions: read".
func (f *Forge) Deployment(ctx context.Context, ci ledger.CI) (Deployment, error) {
	d, err := f.deployment(ctx, ci)
	if err != nil {
		return Deployment{}, fmt.Errorf("asking who approved run %s: %w", printable.Text(ci.RunID, 50), err)
	}
	return d, nil
}

func (f *Forge) deployment(ctx context.Context, ci ledger.CI) (Deployment, error) {
	id, attempt, err := f.numbers(ci)
	if err != nil {
		return Deployment{}, err
	}
	// Of the run, not of its attempt: GitHub lists the approvals of all attempts.
	run, answer, err := f.client.Actions.GetWorkflowRunByID(ctx, f.owner, f.name, id)
	if err != nil {
		return Deployment{}, failed(answer, err)
	}
	switch {
	case run.GetID() != id || int64(run.GetRunAttempt()) != attempt:
		return Deployment{}, fmt.Errorf("this is attempt %d of run %d, the answer is about attempt %d of run %d", attempt, id, run.GetRunAttempt(), run.GetID())
	case !slices.Contains(unfinished, run.GetStatus()):
		return Deployment{}, fmt.Errorf("its status is %q: a run that deploys is not over", printable.Text(run.GetStatus(), 50))
	case !commit.MatchString(run.GetHeadSHA()):
		return Deployment{}, errors.New("the answer does not say its commit")
	case run.GetCreatedAt().IsZero():
		return Deployment{}, errors.New("the answer does not say when it was made")
	}
	d := Deployment{Commit: run.GetHeadSHA(), Created: run.GetCreatedAt().UTC()}
	d.Approvals, err = f.Approved(ctx, id)
	return d, err
}
