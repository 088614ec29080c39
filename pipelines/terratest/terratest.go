// Package terratest runs the tests of units: Go tests, terraform test, and examples with
// named variables. Every declared case is in the report with what became of it, and
// whatever a run deployed is swept when its tests are over.
package terratest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/store"
	"github.com/penstock-dev/penstock/pipelines/sweep"
)

// Stage is the name of the stage.
const Stage = "terratest"

// What holds where neither a flag nor penstock.yaml says otherwise.
const (
	DefaultSoft    = 30 * time.Minute
	DefaultHard    = 45 * time.Minute
	DefaultTTL     = 24 * time.Hour
	DefaultRetries = 1
)

// Terratest runs the tests of the selected units.
type Terratest struct {
	pipelines.Scope
	// Config is penstock.yaml as it counts: accounts, examples and the skip list are from it.
	Config *config.Config
	// Catalog are all units, selected or not, with their inputs: whether anything tests a
	// unit does not depend on the selection. Default: the selected ones.
	Catalog []pipelines.Unit
	// Parallel bounds how many cases run at once. Default: penstock.yaml, else the cores.
	Parallel int
	// Soft and Hard are how long after its start tests are asked to stop, and are killed;
	// TTL is how long after its start what the run left may be swept by anybody.
	Soft, Hard, TTL time.Duration
	// Retries is how often a failed case is tried again. Nil: penstock.yaml, else 1.
	Retries *int
	// States is where the run keeps what it deploys: a directory or s3://bucket/prefix.
	States string
	// Sweep is how the run is swept when its tests are over, and who tests: Actor, Coroner,
	// Patience and Pause of it count.
	Sweep sweep.Sweep
	// Mirror is a filesystem mirror: the only place that providers come from when it is set.
	Mirror string
	// Out is the report's directory: each case has its log in it. Default: no log is kept.
	Out string
	// History is where flakes and durations are kept: a directory, or s3://bucket/prefix.
	// Default: penstock.yaml, else nowhere.
	History string
	// Shard is the part of the suite to run; Suite: the report says what the whole is.
	Shard Shard
	Suite bool
	// Commit is what is tested, for the history and the suite; Dirty: not that alone.
	Commit string
	Dirty  bool
	// Cases hears of every case that starts and ends, one call at a time. Default: nobody.
	Cases func(pipelines.CaseEvent)

	// soften is the soft deadline, where a test decides when it is.
	soften <-chan struct{}
}

// ErrChoice says that deadlines or other settings do not go together.
var ErrChoice = errors.New("that cannot be chosen")

// errSoft ends the context of the tests.
var errSoft = errors.New("the soft deadline is over")

// session is one run of Terratest.
type session struct {
	Terratest
	id              string
	running         context.Context // ends at the soft deadline
	started         time.Time
	soft, hard, ttl time.Duration
	retries         int
	budget          *budget
	accounts        []account
	skips           []*skipped
	history         History
	expires         time.Time
	// program is what stands in for terraform or tofu, real what it calls; empty: there is none.
	program, real string
	temp          string // removed at the end
	logs          string // where logs lie; Out/cases, or in temp
	progress      progress
	shared        []string // the environment of every process
	scrub         *strings.Replacer

	mu      sync.Mutex
	notices []pipelines.Notice
	copies  int
	apart   []string // directories that are not code, although they may lie in the catalog
}

// Run tests the selected units and returns the closed report. An error means that no test
// was started.
func (t Terratest) Run(ctx context.Context) (*pipelines.Report, error) {
	s := &session{Terratest: t, started: time.Now()}
	if err := s.settle(); err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	defer os.RemoveAll(s.temp)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.running = ctx
	if s.soften == nil {
		defer time.AfterFunc(time.Until(s.started.Add(s.soft)), func() { stop(errSoft) }).Stop()
	} else {
		go func() {
			select {
			case <-s.soften:
				stop(errSoft)
			case <-ctx.Done():
			}
		}()
	}
	declared := s.declare(ctx)
	s.unmatched()
	suite, err := s.part(ctx, declared)
	if err != nil {
		return nil, err
	}
	s.progress.total = declared.total()
	scope := s.Scope
	scope.Slots = make(chan struct{}, max(1, len(s.Selection.Units))) // the budget bounds the cases
	scope.Progress = nil
	// The context is not Each's: what a deadline stopped was judged, and says so case by case.
	report := scope.Each(context.WithoutCancel(ctx), Stage, func(_ context.Context, unit pipelines.Unit) pipelines.Result {
		return s.test(ctx, unit, declared.units[unit.Path])
	})
	report.Started, report.Seconds = s.started.UTC(), time.Since(s.started).Seconds()
	slices.SortFunc(s.notices, func(a, b pipelines.Notice) int { return compareNotices(a, b) })
	report.Notices = append(slices.Clone(report.Selection.Notices), s.notices...)
	report.Tools = s.tools(context.WithoutCancel(ctx), declared)
	s.sweepUp(context.WithoutCancel(ctx), report)
	report.Suite = suite
	report.Seconds = time.Since(s.started).Seconds()
	report.Close()
	s.remember(context.WithoutCancel(ctx), report)
	return report, nil
}

// part takes the shard's part of what is declared.
func (s *session) part(ctx context.Context, d declaration) (*pipelines.Suite, error) {
	if !s.Suite {
		return nil, nil
	}
	var weights map[string]float64
	newest := ""
	if s.history.Store != nil {
		var err error
		if weights, newest, err = s.history.Weights(ctx); err != nil {
			return nil, err
		}
	}
	suite := s.suite(d, weights)
	suite.Commit, suite.Dirty, suite.Weights = s.Commit, s.Dirty, newest
	return suite, nil
}

// remember keeps what became of the cases, and tells of flaky ones how often they were
// before. That the history cannot be kept is said, and no verdict on the tests.
func (s *session) remember(ctx context.Context, r *pipelines.Report) {
	if s.history.Store == nil {
		return
	}
	past, err := s.history.Flakes(ctx)
	if err == nil {
		err = s.history.AddRun(ctx, EntryOf(r, s.id, s.Commit))
	}
	if err != nil {
		r.Notices = append(r.Notices, pipelines.Notice{Message: err.Error()})
	}
	for _, result := range r.Results {
		for _, c := range result.Cases {
			id := result.Unit + ":" + c.Name
			if f := past[id]; (c.Flaky || c.Status == pipelines.CaseFailed) && f.Ran > 0 {
				r.Notices = append(r.Notices, pipelines.Notice{Message: id + ": " + f.String() + " before"})
			}
		}
	}
}

func (s *session) grace() time.Duration { return s.hard - s.soft }

// open makes the directories of the run.
func (s *session) open(ctx context.Context) error {
	var err error
	if s.History != "" {
		if s.history.Store, err = store.Open(ctx, s.History); err != nil {
			return err
		}
	}
	if err = s.begin(ctx); err != nil {
		return err
	}
	if s.temp, err = os.MkdirTemp("", "penstock-terratest-"); err != nil {
		return fmt.Errorf("making room for the tests: %w", err)
	}
	s.logs = filepath.Join(s.temp, "logs")
	if s.Out != "" {
		s.logs = filepath.Join(s.Out, "cases")
	}
	if err := os.MkdirAll(s.logs, 0o700); err != nil {
		return fmt.Errorf("making room for the logs: %w", err)
	}
	for _, place := range []string{s.temp, os.TempDir(), s.Out, s.States, s.History} {
		if absolute, err := filepath.Abs(place); err == nil && place != "" && absolute != s.Root && !strings.Contains(place, "://") {
			s.apart = append(s.apart, absolute)
		}
	}
	s.progress.tell, s.progress.started = s.Cases, s.started
	return s.prepareEnvironment()
}

// copy makes one more copy of the catalog.
func (s *session) copy(name string) (string, error) {
	s.mu.Lock()
	s.copies++
	dir := filepath.Join(s.temp, fmt.Sprintf("%s%d", name, s.copies))
	s.mu.Unlock()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making a sandbox: %w", err)
	}
	return dir, sandbox(s.Root, dir, s.apart)
}

func (s *session) remove(dir string) { _ = os.RemoveAll(dir) } // a copy, below temp

func (s *session) notice(n pipelines.Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices = append(s.notices, n)
}
