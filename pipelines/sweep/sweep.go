// Package sweep destroys what dead runs of tests left, from what they saved.
package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// Stage is the name of the stage.
const Stage = "sweep"

// LeakRule is broken by what may exist outside and could not be destroyed.
const LeakRule = "leak"

// Sweep destroys what a run left, or every run whose time to live is over. The zero value
// of each field is its default.
type Sweep struct {
	// States is the place of the states, as deployed.Open takes it.
	States string
	// ID is the run to sweep. Empty: every run whose time is over.
	ID string
	// Dead: a person says that the run is dead, where nothing else can tell.
	Dead bool
	// Coroner says whether a run is dead.
	Coroner ledger.Coroner
	// Actor is who sweeps. Default: the run's own.
	Actor string
	// Program is the terraform or tofu. Default: that of PATH with the name that the test used.
	Program string
	// Mirror and Cache are those of terraform.Runner. Providers that the lock file of a
	// deployment names may be fetched: they ran in the test.
	Mirror, Cache string
	// Patience is how long what a dead run left running may take to end by itself, before
	// it is killed. Default 30 s.
	Patience time.Duration
	// Pause is how long to wait before the second try of a destroy; before the third it is
	// three times as long. Default 5 s.
	Pause time.Duration
	// Now is the time by which runs expire. Default: that of the store.
	Now time.Time
	// Progress hears of every deployment that begins and ends.
	Progress func(pipelines.Event)
}

// sweeping is one call.
type sweeping struct {
	Sweep
	states *deployed.States
	book   *ledger.Ledger
	owner  ledger.Owner
	report *pipelines.Report
	tools  map[pipelines.Tool]bool
	done   int
}

// Run sweeps, and reports one result for each run and each of its deployments. A leak is a
// finding; what could not be looked at is not run.

func (s Sweep) Run(ctx context.Context) (*pipelines.Report, error) {
	s.Patience, s.Pause = cmp.Or(s.Patience, 30*time.Second), cmp.Or(s.Pause, 5*time.Second)
	states, err := deployed.Open(ctx, s.States)
	if err != nil {
		return nil, err
	}
	owner, err := ledger.NewOwner(cmp.Or(s.Actor, "sweep"), ledger.CIFrom(os.Getenv))
	if err != nil {
		return nil, err
	}
	run := &sweeping{Sweep: s, states: states, book: ledger.New(states.Store), owner: owner, tools: map[pipelines.Tool]bool{},
		report: &pipelines.Report{Stages: []string{Stage}, Started: time.Now().UTC(), Selection: pipelines.Selection{All: true}}}
	if s.ID != "" {
		r, err := states.Run(ctx, s.ID)
		if errors.Is(err, store.ErrNotFound) {
			err = &pipelines.Error{Err: fmt.Errorf("looking for the run %s in %s: %w", s.ID, states, store.ErrNotFound),
				Hint: "name the place that its tests had with --states"}
		}
		if err != nil {
			return nil, err
		}
		run.sweep(ctx, r)
	} else if err := run.expired(ctx); err != nil {
		return nil, err
	}
	return run.close(), nil
}

// expired sweeps every run whose time is over. What lives is left alone, whatever a clock says.
func (s *sweeping) expired(ctx context.Context) error {
	now := s.Now
	if now.IsZero() {
		var err error
		if now, err = s.states.Store.Now(ctx); err != nil {
			return err
		}
	}
	ids, err := s.states.Runs(ctx)
	if err != nil {
		return err
	}
	due := 0
	for _, id := range ids {
		r, err := s.states.Run(ctx, id)
		switch {
		case err != nil:
			s.add(id, pipelines.NotRunBecause(err))
		case r.Done || now.Before(r.TTL):
		default:
			due++
			s.Now = now
			s.sweep(ctx, r)
		}
	}
	s.add("expired", pipelines.Result{Verdict: pipelines.Pass, Judged: map[string]int{"runs": len(ids), "runs_due": due}})
	return nil
}

// add takes a result up.
func (s *sweeping) add(unit string, r pipelines.Result) {
	r.Stage, r.Unit = Stage, unit
	s.report.Results = append(s.report.Results, r)
	s.report.Selection.Units = append(s.report.Selection.Units, pipelines.Unit{Path: unit, Kind: pipelines.Test})
	s.done++
	if s.Progress != nil {
		s.Progress(pipelines.Event{Stage: Stage, Unit: unit, Verdict: cmp.Or(r.Verdict, pipelines.Pass), Done: s.done, Total: s.done, Elapsed: time.Since(s.report.Started)})
	}
}

func (s *sweeping) close() *pipelines.Report {
	for tool := range s.tools {
		s.report.Tools = append(s.report.Tools, tool)
	}
	slices.SortFunc(s.report.Tools, func(a, b pipelines.Tool) int { return cmp.Compare(a.Name+a.Version, b.Name+b.Version) })
	s.report.Selection.Total = len(s.report.Selection.Units)
	s.report.Seconds = time.Since(s.report.Started).Seconds()
	s.report.Close()
	return s.report
}

// sweep sweeps one run: its deployments in reverse order.
func (s *sweeping) sweep(ctx context.Context, r deployed.Run) {
	if r.Done {
		s.add(r.ID, pipelines.Result{Verdict: pipelines.Pass, Reason: "nothing is left of it: it was swept before"})
		return
	}
	held, release, err := s.hold(ctx, r)
	if err != nil {
		s.add(r.ID, pipelines.NotRunBecause(err))
		return
	}
	defer release()
	deployments, err := s.states.Deployments(held, r.ID)
	if err != nil {
		s.add(r.ID, pipelines.NotRunBecause(err))
		return
	}
	clean := true
	for _, d := range slices.Backward(deployments) {
		started := time.Now()
		result := (&one{sweeping: s, run: r, d: d}).sweep(held)
		result.Seconds = time.Since(started).Seconds()
		clean = clean && result.Verdict == pipelines.Pass && len(result.Findings) == 0
		s.add(unitOf(d), result)
	}
	result := pipelines.Result{Verdict: pipelines.Pass, Judged: map[string]int{"deployments": len(deployments)}}
	if ctx.Err() == nil {
		s.lastLook(held, r, deployments, &result)
	}
	if clean && result.Verdict == pipelines.Pass && len(result.Findings) == 0 {
		if err := s.states.Finish(held, r.ID, s.owner.String()); err != nil {
			result = pipelines.NotRunBecause(err)
		}
	}
	s.add(r.ID, result)
}

// unitOf is how the report names a deployment.
func unitOf(d deployed.Deployment) string {
	return d.Run + "/" + d.ID
}
