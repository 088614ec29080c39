package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/version"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// PlanStage is the name of the stage.
const PlanStage = "plan"

// Plan plans each selected live unit in each of its environments, wave by wave,
// and writes to Out what a capsule is sealed from. It changes nothing. What it
// writes holds secrets, except for the records and the report.
type Plan struct {
	pipelines.Scope
	// Config is penstock.yaml as it counts: that of the base.
	Config *config.Config
	// Out receives the files; it is made, and must be empty.
	Out string
	// Environments are the names of those to plan in. Default: all.
	Environments []string
	// Program, Mirror and Cache are those of terraform.Runner.
	Program, Mirror, Cache string
	// VerifyProvidersOnce is that of terraform.Runner.
	VerifyProvidersOnce bool
	// LockTimeout is how long to wait for a lock of the state. Default 2 minutes.
	LockTimeout time.Duration
	// Token is a file with an OIDC token, for the environment's role.
	Token string
	// Creator is who plans, and where.
	Creator Creator
	// Commit is what is planned, recorded in each capsule.
	Commit string
	// Destroy plans the destruction of the selected units.
	Destroy bool
	// Only are ids of targets; the others of the selection are left out. Default: all.
	Only []string
	// Leaving are units that the change takes out of environments.
	Leaving Leaving
	// Now is the time of the run. Default: now.
	Now time.Time
}

// planning is one run of the stage.
type planning struct {
	Plan
	root    *os.Root
	runner  *terraform.Runner
	rules   *judge
	pending map[string]Outcome // by id, what was planned before
	review  bool               // an apply plans again: see Record.Review
	planned map[string]planned // by id
	// room is a directory that is cleared by whoever made it; "" takes temporary ones.
	room string
}

// Run plans, judges each plan by policy, and returns one report on both.
func (p Plan) Run(ctx context.Context) (*pipelines.Report, error) {
	if p.Config == nil {
		p.Config = &config.Config{Version: 1}
	}
	if p.LockTimeout == 0 {
		p.LockTimeout = 2 * time.Minute
	}
	if p.Now.IsZero() {
		p.Now = time.Now()
	}
	if err := keyless(); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(p.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	defer root.Close()
	targets, done, err := p.targets(root)
	if err != nil {
		return nil, err
	}
	defer done()
	if err := emptyDir(p.Out); err != nil {
		return nil, err
	}
	runner, err := terraform.Runner{Program: p.Program, Mirror: p.Mirror, Cache: p.Cache, Allow: p.Config.Live.Allow.Providers,
		VerifyProvidersOnce: p.VerifyProvidersOnce}.Open()
	if err != nil {
		return nil, err
	}
	defer runner.Close() // copies of providers hold no secret: what stays of them costs room alone
	run := &planning{Plan: p, root: root, runner: runner, rules: &judge{root: root, base: p.Base, config: p.Config}, pending: map[string]Outcome{}, planned: map[string]planned{}}
	report := run.waves(ctx, targets)
	run.judge(report)
	report.Notices = append(report.Notices, unused(root.FS(), p.Selection, p.Config.Live)...)
	p.Leaving.refuse(ctx, report, PlanStage, p.Root, func(t Target) session {
		return session{role: t.Environment.Roles.Plan, token: p.Token, actor: p.Creator.Actor, change: p.Creator.Change}
	})
	return report, run.page(targets)
}

// targets are what is to be planned, ordered.
func (p Plan) targets(root *os.Root) ([]Target, func(), error) {
	return Select(root, p.Scope, p.Config.Live, p.Environments, p.Only)
}

// waves plans one wave after the other, and the targets of a wave side by side.
func (p *planning) waves(ctx context.Context, targets []Target) *pipelines.Report {
	var mu sync.Mutex
	var wave []planned // what is known of it counts from the next one on
	tools := map[pipelines.Tool]bool{}
	report := inWaves(ctx, p.Scope, PlanStage, p.Now, targets, func(ctx context.Context, t Target) pipelines.Result {
		o := p.target(ctx, t)
		mu.Lock()
		defer mu.Unlock()
		wave = append(wave, o)
		return o.result
	}, func([]pipelines.Result) {
		for _, o := range wave {
			p.pending[o.target.ID()], p.planned[o.target.ID()] = o.record.Outcome, o
			tools[o.record.Planned.Terraform] = true
		}
		wave = nil
	})
	for tool := range tools {
		if tool.Name != "" {
			report.Tools = append(report.Tools, tool)
		}
	}
	return report
}

// judge adds what the rules say of each plan.
func (p *planning) judge(report *pipelines.Report) {
	for id, o := range p.planned {
		if o.facts == nil {
			continue
		}
		judged := o.facts.judged
		judged.Unit, judged.Why = id, o.target.Unit.Why
		report.Results = append(report.Results, judged)
	}
	report.Tools = append(report.Tools, pipelines.Tool{Name: "opa", Version: version.Version})
	report.Close()
}

// keyless refuses to plan where a key of ours is in reach: providers run as
// children of this process and could read it from its environment.
func keyless() error {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "PENSTOCK_") && strings.Contains(name, "KEY") {
			return &pipelines.Error{Err: fmt.Errorf("planning: %s is in the environment, where every provider could read it", name),
				Hint: "give keys to penstock capsule seal alone, in a step of its own"}
		}
	}
	return nil
}

// emptyDir makes a directory that nobody else can read; one with files in it is refused.
func emptyDir(dir string) error {
	if dir == "" {
		return errors.New("planning: there is no directory for the plans")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making room for the plans: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("making room for the plans: %w", err)
	}
	if len(entries) > 0 {
		return &pipelines.Error{Err: fmt.Errorf("writing plans to %q: it is not empty", dir), Hint: "name a new directory, or remove it: it may hold secrets"}
	}
	return nil
}
