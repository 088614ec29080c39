package pipelines

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"sync"
	"time"
)

// Event is the progress of one stage on one unit.
type Event struct {
	Stage, Unit string
	// Verdict is empty when the unit starts.
	Verdict Verdict
	// Done and Total count the units of the stage.
	Done, Total int
	Elapsed     time.Duration
}

// Scope is what every stage embeds: where it works, on what, and who hears of
// it. The zero value of each field is its default.
type Scope struct {
	// Root is the catalog's root directory on disk.
	Root string
	// Selection is what to judge.
	Selection Selection
	// Base is the catalog as it stands on the base of the pull request. Policies,
	// settings and waivers count as they are there, so that a change cannot
	// excuse itself. Nil: there is no base, and what stands in Root counts.
	Base fs.FS
	// Removed is a directory with the closures of the units of Selection.Removed.
	Removed string
	// Slots bounds how many units are judged at once, over all stages that
	// share it. Default: as many as there are cores.
	Slots chan struct{}
	// Progress hears of every unit that starts and ends, from many goroutines
	// but one call at a time. Default: nobody listens.
	Progress func(Event)
}

// NewSlots returns slots for as many units at once as there are cores.
func NewSlots() chan struct{} { return make(chan struct{}, runtime.GOMAXPROCS(0)) }

// Each judges every selected unit in parallel and returns the closed report.
// A unit that the context ends before it was judged is not run, and so is one
// whose judge panics: a stage always accounts for each unit that it was given.
func (s Scope) Each(ctx context.Context, stage string, judge func(context.Context, Unit) Result) *Report {
	slots := s.Slots
	if slots == nil {
		slots = NewSlots()
	}
	report := &Report{Stages: []string{stage}, Selection: s.Selection, Started: time.Now().UTC()}
	report.Results = make([]Result, len(s.Selection.Units))
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	say := func(e Event) {
		if s.Progress != nil {
			e.Stage, e.Total = stage, len(s.Selection.Units)
			s.Progress(e)
		}
	}
	for i, unit := range s.Selection.Units {
		wg.Go(func() {
			result := Result{Verdict: NotRun, Reason: "interrupted before it was judged"}
			start := time.Now()
			select {
			case slots <- struct{}{}:
				mu.Lock()
				say(Event{Unit: unit.Path, Done: done})
				mu.Unlock()
				if ctx.Err() == nil {
					start = time.Now()
					result = judgeSafely(ctx, unit, judge)
				}
				<-slots
			case <-ctx.Done():
			}
			result.Stage, result.Unit, result.Why = stage, unit.Path, unit.Why
			result.Seconds = time.Since(start).Seconds()
			result.close()
			report.Results[i] = result
			mu.Lock()
			done++
			say(Event{Unit: unit.Path, Verdict: result.Verdict, Done: done, Elapsed: time.Since(start)})
			mu.Unlock()
		})
	}
	wg.Wait()
	report.Seconds = time.Since(report.Started).Seconds()
	report.Close()
	return report
}

func judgeSafely(ctx context.Context, unit Unit, judge func(context.Context, Unit) Result) (result Result) {
	defer func() {
		if p := recover(); p != nil {
			result = Result{Verdict: NotRun, Reason: fmt.Sprintf("internal error: %v", p),
				Hint: "report this with the unit that causes it"}
		}
	}()
	result = judge(ctx, unit)
	result.close()
	if ctx.Err() != nil && result.Verdict != Fail {
		return interrupted(result)
	}
	return result
}

// interrupted is never a pass. What was said of why it was not run is kept, and what was
// done too: of an effect somebody has to know it.
func interrupted(result Result) Result {
	kept := Result{Verdict: NotRun, Reason: "interrupted while it was judged", Hint: result.Hint}
	if result.Reason != "" {
		kept.Reason += ": " + result.Reason
	}
	return kept
}
