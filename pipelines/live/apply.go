package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"filippo.io/age"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// ApplyStage is the name of the stage.
const ApplyStage = "apply"

// Apply applies capsules, and nothing else: exactly the plans that were reviewed,
// in the order of their dependencies, each under a lease, with its intent written
// down before and its result after. It is an effect.
type Apply struct {
	pipelines.Scope
	// Config is penstock.yaml of the trunk.
	Config *config.Config
	// Before is penstock.yaml of the trunk without the change that is applied: nobody
	// signs or approves for a change by which they came to do so. Default: Config.
	Before *config.Config
	// Store keeps capsules, approvals, journals and leases.
	Store store.Store
	// Files are capsules on disk. Default: those in Store that were made for the
	// closures of the selected units.
	Files []string
	// Identities open capsules.
	Identities []age.Identity
	// Program, Mirror and Cache are those of terraform.Runner.
	Program, Mirror, Cache string
	// LockTimeout is how long to wait for a lock of the state. Default 2 minutes.
	LockTimeout time.Duration
	// Token is a file with an OIDC token, for the environment's role.
	Token string
	// Creator is who applies, and where.
	Creator Creator
	// Commit is what the checkout is of. The forge's approval of a run counts for it alone.
	Commit string
	// CI is the run of the forge that applies, and Forge where it is asked who approved
	// it, in environments with approvals: forge.
	CI    ledger.CI
	Forge forge.Options
	// Repository is the one that capsules have to be made for; "" on a laptop.
	Repository string
	// Environments and Only choose among the targets, as in Plan.
	Environments, Only []string
	// Work receives the working directories. They stay when something goes wrong,
	// because what terraform could not write to the backend lies in them. Default: a temporary one.
	Work string
	// Replanned receives plans that were made anew and that nobody has reviewed,
	// to be sealed. Default: they are not kept.
	Replanned string
	// Destroy applies capsules of plans that destroy whole units, and no others.
	Destroy bool
	// Leaving are units that the change took out of environments.
	Leaving Leaving
	// Lease is how long a lease holds without being renewed. Default 2 minutes.
	Lease time.Duration
	// Now is the time of the run. Default: now.
	Now time.Time
}

// grace is how long terraform has to finish what it does after a Ctrl-C, before it
// is killed: an apply that is killed leaves things behind.
const grace = 15 * time.Minute

// applying is one run of the stage.
type applying struct {
	Apply
	root   *os.Root
	runner *terraform.Runner
	ledger *ledger.Ledger
	judge  *judge
	failed map[string]bool // ids whose dependants are not applied
	// applied are ids that were applied in this run.
	applied map[string]bool
	started time.Time
}

// Run applies wave by wave. A target that fails keeps those that depend on it from
// being applied; the others go on.
func (a Apply) Run(ctx context.Context) (*pipelines.Report, error) {
	if a.Config == nil {
		a.Config = &config.Config{Version: 1}
	}
	if a.Before != nil {
		a.Config = asBefore(a.Config, a.Before)
	}
	if a.LockTimeout == 0 {
		a.LockTimeout = 2 * time.Minute
	}
	if a.Lease == 0 {
		a.Lease = 2 * time.Minute
	}
	if a.Now.IsZero() {
		a.Now = time.Now()
	}
	if a.Store == nil {
		return nil, errors.New("applying: there is no store for the journal")
	}
	if err := a.Store.Exclusive(); err != nil {
		return nil, &pipelines.Error{Err: fmt.Errorf("applying with the store %s: %w", a.Store, err), Hint: "leases need a directory or s3://BUCKET/PREFIX: set live.store"}
	}
	if err := keyless(); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(a.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	defer root.Close()
	targets, done, err := Select(root, a.Scope, a.Config.Live, a.Environments, a.Only)
	if err != nil {
		return nil, err
	}
	defer done()
	if a.Before != nil {
		targets = gatedAsBefore(targets, a.Before.Live)
	}
	runner, err := terraform.Runner{Program: a.Program, Mirror: a.Mirror, Cache: a.Cache, Allow: a.Config.Live.Allow.Providers}.Open()
	if err != nil {
		return nil, err
	}
	if a.Work == "" {
		if a.Work, err = os.MkdirTemp("", workPrefix); err != nil {
			return nil, fmt.Errorf("making room to work: %w", err)
		}
		defer os.Remove(a.Work) // only if it is empty: each target removes its own
	}
	run := &applying{Apply: a, root: root, runner: runner, ledger: ledger.New(a.Store), judge: &judge{root: root, config: a.Config}, failed: map[string]bool{}, applied: map[string]bool{}, started: time.Now()}
	report := run.waves(ctx, targets)
	a.Leaving.refuse(ctx, report, ApplyStage, a.Root, func(t Target) session {
		return session{role: t.Environment.Roles.Apply, token: a.Token, actor: a.Creator.Actor, change: a.Creator.Change}
	})
	return report, nil
}

// now is the time of the run, which goes on: waves and locks are waited for.
func (a *applying) now() time.Time { return a.Now.Add(time.Since(a.started)) }

// waves applies one wave after the other; what comes after a target that was not
// applied is not applied either.
func (a *applying) waves(ctx context.Context, targets []Target) *pipelines.Report {
	return inWaves(ctx, a.Scope, ApplyStage, a.Now, targets, func(ctx context.Context, t Target) pipelines.Result {
		if i := slices.IndexFunc(t.After, func(id string) bool { return a.failed[id] }); i >= 0 {
			return pipelines.Result{Verdict: pipelines.NotRun, Reason: fmt.Sprintf("it comes after %q, which was not applied", t.After[i])}
		}
		return a.target(ctx, t)
	}, func(results []pipelines.Result) {
		for _, result := range results {
			if result.Verdict != pipelines.Pass && result.Verdict != pipelines.Waived {
				a.failed[result.Unit] = true
			} else {
				a.applied[result.Unit] = true
			}
		}
	})
}

// refusal is a result that says why a capsule was not applied.
func refusal(rule string, err error) pipelines.Result {
	f := pipelines.Finding{Rule: rule, Verdict: pipelines.Fail, Severity: pipelines.High, Message: err.Error()}
	var known *pipelines.Error
	if errors.As(err, &known) {
		f.Hint = known.Hint
	}
	return pipelines.Result{Findings: []pipelines.Finding{f}, Reason: "nothing was applied"}
}
