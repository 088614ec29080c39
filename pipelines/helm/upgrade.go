package helm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// upgrade deploys. What it came to is read from the cluster, whatever helm said: helm
// may have lost the connection, or been stopped.
func (r *running) upgrade(ctx context.Context) pipelines.Result {
	if why := r.unchanged(ctx); why != "" {
		return r.leave(ctx, why)
	}
	if err := r.guard.record(ctx, ledger.Started, ledger.Payload{Changes: r.changes()}); err != nil {
		return pipelines.NotRunBecause(err)
	}
	text, failure := r.ask(ctx, upgradeArgv(r.place, r.source(), r.bounds, r.outcome.Metadata, false))
	if failure == nil {
		var said answer
		if err := json.Unmarshal(text, &said); err != nil {
			failure = fmt.Errorf("reading what helm upgrade printed: %w", err)
		}
	}
	return r.settle(ctx, failure, "upgrade")
}

// settle reads what an operation of helm came to, and writes it down. The journal is
// closed only where nothing is left to be repaired.
func (r *running) settle(ctx context.Context, failure error, rule string) pipelines.Result {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // it is needed after an interrupt above all
	defer cancel()
	history, err := r.client.history(ctx)
	if err != nil {
		note := fmt.Sprintf("what it came to cannot be read: %v", err)
		if failure != nil {
			note = failure.Error() + "; " + note
		}
		err = errors.Join(errors.New(note), r.guard.record(ctx, ledger.Failed, ledger.Payload{Note: note}))
		return pipelines.NotRunBecause(&pipelines.Error{Err: err, Hint: "deploy again when the cluster can be reached: what is left is repaired then"})
	}
	r.history = history
	r.outcome.Revision = deployed(history)
	mine := r.ofThisRun(history)
	if failure == nil && !mine {
		failure = fmt.Errorf("helm said that it is done, and the release is %s", state(history))
	}
	if what, _ := diagnose(history); what != none {
		note := fmt.Sprintf("%v; the release is left %s", failure, state(history))
		err := errors.Join(errors.New(note), r.guard.record(ctx, ledger.Failed, ledger.Payload{Note: note}))
		return pipelines.NotRunBecause(&pipelines.Error{Err: err, Hint: "deploy again: what is left is repaired then"})
	}
	result := &ledger.Result{OK: failure == nil}
	if failure != nil {
		result.Exit, result.Message = 1, failure.Error()
	}
	if err := r.guard.record(ctx, ledger.Finished, ledger.Payload{Result: result, Note: "the release is " + state(history)}); err != nil {
		r.notice("%v", err)
	}
	if failure != nil {
		return found(rule, &pipelines.Error{Err: fmt.Errorf("%w; the release is %s", failure, state(history)), Hint: hintOf(failure)})
	}
	r.compareDeployed(ctx)
	return pipelines.Result{Reason: fmt.Sprintf("revision %d is deployed", r.outcome.Revision), Judged: map[string]int{"changes": len(r.outcome.Changes)}}
}

// ofThisRun says whether what is deployed was deployed by this run.
func (r *running) ofThisRun(history []Revision) bool {
	if len(history) == 0 {
		return false
	}
	last := history[len(history)-1]
	m, ours := Described(last.Description)
	return last.Status == "deployed" && ours && m.Run == r.owner.Run
}

// compareDeployed says where helm deployed another manifest than was judged and shown.
func (r *running) compareDeployed(ctx context.Context) {
	if r.manifest == nil {
		return
	}
	text, err := r.ask(ctx, getArgv(r.place, "manifest", r.outcome.Revision))
	if err != nil {
		r.notice("whether what is deployed is what was judged is not known: %v", err)
		return
	}
	if bytes.Equal(bytes.TrimSpace(text), bytes.TrimSpace(r.manifest)) {
		return
	}
	changes, err := compare(r.manifest, text)
	for _, c := range changes {
		r.notice("%s was deployed otherwise than it was judged: the chart renders it anew each time", c.Resource)
	}
	if err != nil {
		r.notice("whether what is deployed is what was judged is not known: %v", err)
	}
}

// state is that of a release in words.
func state(history []Revision) string {
	if len(history) == 0 {
		return "not there"
	}
	last := history[len(history)-1]
	text := fmt.Sprintf("%s at revision %d", last.Status, last.Revision)
	if at := deployed(history); at != 0 && at != last.Revision {
		text += fmt.Sprintf(", and revision %d is deployed", at)
	}
	return text
}

func hintOf(err error) string {
	var known *pipelines.Error
	if errors.As(err, &known) && known.Hint != "" {
		return known.Hint
	}
	return "look at the events of the namespace: kubectl get events"
}
