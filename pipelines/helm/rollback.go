package helm

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// Rollback brings back a revision that was deployed before.
type Rollback struct {
	Release
	// Revision to go back to. Default: the one that was deployed before the one that
	// is; where that is itself a rollback, the one before what it brought back, so that
	// two rollbacks go two steps back.
	Revision int
}

// Do rolls back under the lease, after it has shown what changes.
func (b Rollback) Do(ctx context.Context) (*Outcome, error) {
	r, err := b.open()
	if err != nil {
		return nil, err
	}
	steps := []step{{"precheck", r.precheck}, {"lease", r.takeLease},
		{"diff", func(ctx context.Context) pipelines.Result { return r.diffBack(ctx, b.Revision) }},
		{"rollback", r.rollback}, {"smoke", r.smoke}}
	if r.service.Smoke == (config.Smoke{}) {
		steps = steps[:4]
		r.skip("smoke", "service.smoke is not set")
	}
	if b.DryRun {
		if len(steps) == 5 {
			r.skip("smoke", "--dry-run")
		}
		steps = steps[:3]
		r.skip("rollback", "--dry-run")
	}
	r.all(ctx, steps)
	return r.close(ctx), nil
}

// choose says which revision to go back to. It is pure.
func choose(history []Revision, want int) (int, error) {
	if len(history) == 0 {
		return 0, &pipelines.Error{Err: fmt.Errorf("there is no release"), Hint: "penstock helm-deploy makes one"}
	}
	now := deployed(history)
	if want != 0 {
		i := slices.IndexFunc(history, func(r Revision) bool { return r.Revision == want })
		switch {
		case i < 0:
			return 0, &pipelines.Error{Err: fmt.Errorf("there is no revision %d", want), Hint: "there are " + listed(history)}
		case !succeeded(history[i]):
			return 0, &pipelines.Error{Err: fmt.Errorf("revision %d was not deployed with success: it is %s", want, history[i].Status), Hint: "those that were: " + listed(history)}
		case want == now:
			return 0, &pipelines.Error{Err: fmt.Errorf("revision %d is the one that is deployed", want), Hint: "there are " + listed(history)}
		}
		return want, nil
	}
	before := now
	for seen := 0; before != 0 && seen < len(history); seen++ { // a rollback stands for what it brought back
		i := slices.IndexFunc(history, func(r Revision) bool { return r.Revision == before })
		if i < 0 || wentBack(history[i]) == 0 {
			break
		}
		before = wentBack(history[i])
	}
	if to := lastGood(history, before); to != 0 {
		return to, nil
	}
	return 0, &pipelines.Error{Err: fmt.Errorf("there is no revision before %d that was deployed with success", before), Hint: "name one with --revision; there are " + listed(history)}
}

// wentBack is the revision whose content a revision has again; 0 for a deploy.
func wentBack(r Revision) int {
	if m, ours := Described(r.Description); ours && m.RollbackTo != 0 {
		return m.RollbackTo
	}
	return r.Rollback
}

// madeBy says from what the content of a revision was made: chart, image, commit and
// bundle of the deploy that it goes back to, as far as that is still in the history.
func madeBy(history []Revision, revision int) (chart, image, commit, bundle string) {
	for range history {
		i := slices.IndexFunc(history, func(r Revision) bool { return r.Revision == revision })
		if i < 0 {
			break
		}
		chart = history[i].Chart
		if revision = wentBack(history[i]); revision == 0 {
			m, _ := Described(history[i].Description)
			return chart, m.Image, m.Commit, m.Bundle
		}
	}
	return chart, "", "", ""
}

func listed(history []Revision) string {
	var good []string
	for _, r := range history {
		if succeeded(r) {
			good = append(good, fmt.Sprint(r.Revision))
		}
	}
	if len(good) == 0 {
		return "none"
	}
	return strings.Join(good, ", ")
}

// diffBack says what the rollback changes.
func (r *running) diffBack(ctx context.Context, want int) pipelines.Result {
	to, err := choose(r.history, want)
	if err != nil {
		return found("revision", err)
	}
	r.outcome.Metadata.RollbackTo = to
	m := &r.outcome.Metadata
	r.outcome.Chart, m.Image, m.Commit, m.Bundle = madeBy(r.history, to)
	before, hooksBefore, err := r.content(ctx, deployed(r.history))
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	after, hooks, err := r.content(ctx, to)
	if err == nil {
		err = r.change(before, hooksBefore, after, hooks)
	}
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	r.notice("revision %d goes back to the content of revision %d", r.outcome.From, to)
	return pipelines.Result{Judged: map[string]int{"changes": len(r.outcome.Changes)}}
}

func (r *running) rollback(ctx context.Context) pipelines.Result {
	if err := r.guard.record(ctx, ledger.Started, ledger.Payload{Changes: r.changes()}); err != nil {
		return pipelines.NotRunBecause(err)
	}
	m := r.outcome.Metadata
	_, failure := r.ask(ctx, rollbackArgv(r.place, m.RollbackTo, r.bounds, m.Description(), true))
	return r.settle(ctx, failure, "rollback")
}
