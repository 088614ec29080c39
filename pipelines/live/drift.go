package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/store"
	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// DriftStage is the name of the stage.
const DriftStage = "drift"

// Drift looks at live units, each in each of its environments, side by side, and
// tells two things apart: what was changed outside of the code, as the real world
// differs from the state, and what is pending, as the code differs from the state.
// It changes nothing but its own records, and takes no lock of a state: a look
// writes none, a role that reads may not even be able to lock, and a lock that it
// held would make an apply fail. What it saw while an apply was at work is an
// error, and never clean.
type Drift struct {
	pipelines.Scope
	// Config is penstock.yaml as it counts.
	Config *config.Config
	// Store remembers every look. It is needed.
	Store store.Store
	// Forge keeps an issue for each target that drifts, or that cannot be looked at
	// twice in a row. Nil keeps none.
	Forge *forge.Forge
	// Environments are the names of those to look at. Default: all.
	Environments []string
	// Only are ids of targets; the others of the selection are left out. Default: all.
	Only []string
	// Oldest is how many targets to look at: those whose last look is longest ago. Default: all.
	Oldest int
	// Slice is the part of the targets that is this run's.
	Slice Slice
	// Program, Mirror and Cache are those of terraform.Runner.
	Program, Mirror, Cache string
	// VerifyProvidersOnce is that of terraform.Runner.
	VerifyProvidersOnce bool
	// Token is a file with an OIDC token, for the environment's role.
	Token string
	// Creator is who looks, and where.
	Creator Creator
	// Out receives drift.md; it is made. Default: nothing is written.
	Out string
	// Now is the time of the run. Default: now.
	Now time.Time
}

// drifting is one run of the stage.
type drifting struct {
	planning
	Drift
	past    map[string]pastLooks // by the prefix of a target's records
	ignores *ignoring

	mu    sync.Mutex
	looks map[string]look // by id
	tools map[pipelines.Tool]bool
}

// Run looks, remembers what it saw, and returns the report.
func (d Drift) Run(ctx context.Context) (*pipelines.Report, error) {
	if d.Config == nil {
		d.Config = &config.Config{Version: 1}
	}
	if d.Now.IsZero() {
		d.Now = time.Now()
	}
	if d.Store == nil {
		return nil, errors.New("looking for drift: there is no store to remember it in")
	}
	if err := keyless(); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(d.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	defer root.Close()
	all, done, err := Select(root, d.Scope, d.Config.Live, d.Environments, d.Only)
	if err != nil {
		return nil, err
	}
	defer done()
	past, err := pastOf(ctx, d.Store)
	if err != nil {
		return nil, err
	}
	targets, err := chosen(all, past, d.Slice, d.Oldest)
	if err != nil {
		return nil, err
	}
	if len(targets) == 0 && len(all) > 0 {
		d.Selection.Reason = "no target is in this slice"
	}
	ignores, err := newIgnoring(d.Config.Live.Drift.Ignore, d.Now)
	if err != nil {
		return nil, err
	}
	runner, err := terraform.Runner{Program: d.Program, Mirror: d.Mirror, Cache: d.Cache, Allow: d.Config.Live.Allow.Providers,
		VerifyProvidersOnce: d.VerifyProvidersOnce}.Open()
	if err != nil {
		return nil, err
	}
	defer runner.Close() // copies of providers hold no secret
	run := &drifting{Drift: d, past: past, ignores: ignores, looks: map[string]look{}, tools: map[pipelines.Tool]bool{},
		planning: planning{Plan: Plan{Scope: d.Scope, Config: d.Config, Token: d.Token, Creator: d.Creator}, root: root, runner: runner}}
	report := run.each(ctx, targets)
	report.Notices = append(report.Notices, ignores.notices(run.complete(all, targets))...)
	if len(targets) < len(all) {
		report.Notices = append(report.Notices, pipelines.Notice{Message: fmt.Sprintf("looked at %d of %d targets in this run", len(targets), len(all))})
	}
	return report, run.page(report, targets)
}

// each looks at the targets side by side.
func (d *drifting) each(ctx context.Context, targets []Target) *pipelines.Report {
	scope := d.Drift.Scope
	// Of a repository without a live unit nobody learns anything: that is no pass.
	scope.Selection.Total = max(len(d.Selection.Live), len(targets))
	report := sideBySide(ctx, scope, DriftStage, targets, d.target)
	for tool := range d.tools {
		report.Tools = append(report.Tools, tool)
	}
	return report
}

// target looks at one target and keeps what it saw.
func (d *drifting) target(ctx context.Context, t Target) pipelines.Result {
	start := time.Now()
	before, err := d.past[looksPrefix(t)].last(ctx, d.Store)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	seen := d.look(ctx, t)
	if ctx.Err() != nil {
		return pipelines.Result{} // Each says that it was interrupted
	}
	now := before.next(t, seen, start.UTC(), time.Since(start))
	_, err = d.keep(ctx, t, seen, before, now)
	d.mu.Lock()
	d.looks[t.ID()] = seen
	d.mu.Unlock()
	result := seen.result(now)
	if err != nil {
		not := pipelines.NotRunBecause(err)
		result.Verdict, result.Reason = pipelines.NotRun, result.Reason+"; "+not.Reason
		if result.Hint == "" {
			result.Hint = not.Hint
		}
	}
	return result
}

// keep keeps the issue of a target and its record, and returns the record. An issue
// is opened after the record that says that there is one, and closed before the
// record that says that there is none: a run that is killed in between leaves no open
// issue that nobody knows of.
func (d *drifting) keep(ctx context.Context, t Target, seen look, before, now Look) (Look, error) {
	var issue *forge.Issue
	if d.Forge != nil {
		issue = issueOf(t, seen, before, now)
	}
	var problem error
	if issue != nil && !issue.Open {
		if _, problem = d.Forge.Issue(ctx, *issue); problem == nil {
			now.Issue = false
		}
	}
	if issue != nil && issue.Open {
		now.Issue = true
	}
	if err := d.remember(ctx, t, now); err != nil {
		return now, errors.Join(problem, err)
	}
	if issue != nil && issue.Open {
		_, problem = d.Forge.Issue(ctx, *issue)
	}
	return now, problem
}

// complete says whether every live unit was looked at in every environment, and
// could be: only then does an ignore that matched nothing mean anything.
func (d *drifting) complete(all, targets []Target) bool {
	if len(d.Drift.Environments)+len(d.Drift.Only) > 0 || len(targets) < len(all) || len(targets) == 0 {
		return false
	}
	for _, path := range d.Drift.Selection.Live {
		if !slices.ContainsFunc(targets, func(t Target) bool { return t.Unit.Path == path }) {
			return false
		}
	}
	for _, t := range targets {
		if seen, done := d.looks[t.ID()]; !done || seen.outcome == Failing {
			return false
		}
	}
	return true
}

// page writes drift.md where there is a place for it.
func (d *drifting) page(r *pipelines.Report, targets []Target) error {
	if d.Drift.Out == "" {
		return nil
	}
	if err := os.MkdirAll(d.Drift.Out, 0o755); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	if err := os.WriteFile(filepath.Join(d.Drift.Out, DriftFile), []byte(driftPage(r, targets, d.looks)), 0o644); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}
