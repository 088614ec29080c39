// Package doctor says what is missing to work on a service from this machine: tools,
// the bundle, and what an environment needs. It changes nothing.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
	"github.com/penstock-dev/penstock/pipelines/service"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// Doctor runs all checks at once, each with a deadline.
type Doctor struct {
	// Service is the one in an environment. Nil: tools alone are checked.
	Service *service.Service
	// Bundle opens what the service pins, verified; Login prepares the session of the
	// environment's role. Both are needed with a service.
	Bundle func(context.Context) (*bundle.Bundle, error)
	Login  func() (store.Profile, error)
	// Deadline of each check. Default 20 s.
	Deadline time.Duration
}

// check is one question. Its result's reason is what was seen, its finding what is missing.
type check struct {
	name string
	ask  func(context.Context) pipelines.Result
}

// Run asks everything. A check that fails says what is missing; one that is not run
// says what kept it from being asked.
func (d Doctor) Run(ctx context.Context) *pipelines.Report {
	if d.Deadline == 0 {
		d.Deadline = 20 * time.Second
	}
	unit, checks := pipelines.Unit{Path: ".", Kind: pipelines.Live}, tools()
	if d.Service != nil {
		unit.Path = d.Service.Config.Service.Name + "@" + d.Service.Environment.Name
		checks = append(checks, d.ofEnvironment()...)
	}
	r := &pipelines.Report{Started: time.Now().UTC(), Results: make([]pipelines.Result, len(checks)),
		Selection: pipelines.Selection{Schema: pipelines.SelectionSchema, All: true, Total: 1, Units: []pipelines.Unit{unit}}}
	var wg sync.WaitGroup
	for i, c := range checks {
		r.Stages = append(r.Stages, c.name)
		wg.Go(func() {
			start := time.Now()
			result := d.within(ctx, c)
			result.Stage, result.Unit, result.Seconds = c.name, unit.Path, time.Since(start).Seconds()
			r.Results[i] = result
		})
	}
	wg.Wait()
	r.Seconds = time.Since(r.Started).Seconds()
	r.Close()
	return r
}

// within asks until the deadline, and waits no longer for what does not heed it.
func (d Doctor) within(ctx context.Context, c check) pipelines.Result {
	parent, due := ctx, time.Now().Add(d.Deadline)
	ctx, cancel := context.WithDeadline(ctx, due)
	defer cancel()
	answer := make(chan pipelines.Result, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				answer <- pipelines.Result{Verdict: pipelines.NotRun, Reason: fmt.Sprintf("internal error: %v", p), Hint: "report this"}
			}
		}()
		answer <- c.ask(ctx)
	}()
	late := func() pipelines.Result {
		if parent.Err() != nil {
			return pipelines.Result{Verdict: pipelines.NotRun, Reason: "interrupted"}
		}
		return pipelines.Result{Verdict: pipelines.NotRun, Reason: fmt.Sprintf("no answer within %s", d.Deadline), Hint: "look at the network, or at a proxy that holds answers back"}
	}
	select {
	case result := <-answer:
		// A connection has a timer of its own, which may be ahead of the context's.
		ended := parent.Err() != nil || !time.Now().Before(due)
		if ended && result.Verdict != pipelines.Pass {
			return late()
		}
		return result
	case <-ctx.Done():
		return late()
	}
}

func pass(format string, args ...any) pipelines.Result {
	return pipelines.Result{Verdict: pipelines.Pass, Reason: fmt.Sprintf(format, args...)}
}

func fail(hint, format string, args ...any) pipelines.Result {
	return pipelines.Result{Verdict: pipelines.Fail, Findings: []pipelines.Finding{{Rule: "missing", Verdict: pipelines.Fail, Severity: pipelines.Medium,
		Message: fmt.Sprintf(format, args...), Hint: hint}}}
}

func notRun(hint, format string, args ...any) pipelines.Result {
	return pipelines.Result{Verdict: pipelines.NotRun, Reason: fmt.Sprintf(format, args...), Hint: hint}
}

// failed is a check that an error answers.
func failed(err error) pipelines.Result {
	var known *pipelines.Error
	if errors.As(err, &known) {
		return fail(known.Hint, "%v", err)
	}
	return fail("", "%v", err)
}
