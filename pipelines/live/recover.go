package live

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// RecoverStage is the name of the stage.
const RecoverStage = "recover"

// Recover finds applies that were cut off, and cleans up after those that are
// proven dead: it writes a state that was left on disk where it belongs, releases
// the lock and the lease, and says what was applied, what is not known, and what
// remains. It never touches what may belong to a run that lives.
type Recover struct {
	pipelines.Scope
	// Config is penstock.yaml of the trunk.
	Config *config.Config
	// Store is the one that the apply had.
	Store store.Store
	// Coroner says whether a run is dead.
	Coroner ledger.Coroner
	// End kills what is left on this machine of a run that was cut off.
	End bool
	// Creator is who recovers.
	Creator Creator
	// Program, Mirror, Cache and Token are those of Apply.
	Program, Mirror, Cache, Token string
	// Environments and Only choose among the targets, as in Plan.
	Environments, Only []string
	// Now is the time of the run. Default: now.
	Now time.Time
}

// recovering is one run of the stage.
type recovering struct {
	Recover
	root   *os.Root
	runner *terraform.Runner
	ledger *ledger.Ledger
	runs   map[string][]ledger.Run // unfinished, by target
}

// Run looks at every target, and at every journal that was not closed.
func (r Recover) Run(ctx context.Context) (*pipelines.Report, error) {
	if r.Config == nil {
		r.Config = &config.Config{Version: 1}
	}
	if r.Now.IsZero() {
		r.Now = time.Now()
	}
	root, err := os.OpenRoot(r.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	defer root.Close()
	targets, done, err := Select(root, r.Scope, r.Config.Live, r.Environments, r.Only)
	if err != nil {
		return nil, err
	}
	defer done()
	runner, err := terraform.Runner{Program: r.Program, Mirror: r.Mirror, Cache: r.Cache, Allow: r.Config.Live.Allow.Providers}.Open()
	if err != nil {
		return nil, err
	}
	run := &recovering{Recover: r, root: root, runner: runner, ledger: ledger.New(r.Store), runs: map[string][]ledger.Run{}}
	unfinished, err := run.ledger.Unfinished(ctx)
	if err != nil {
		return nil, err
	}
	known := func(lease string) bool {
		return slices.ContainsFunc(targets, func(t Target) bool { return leaseOf(t) == lease })
	}
	var notices []pipelines.Notice
	var gone []pipelines.Result
	for _, u := range unfinished {
		run.runs[u.Target] = append(run.runs[u.Target], u)
		switch {
		case known(u.Target):
		case r.nowhere(u.Target):
			gone = append(gone, pipelines.Result{Stage: RecoverStage, Unit: u.Target, Verdict: pipelines.NotRun,
				Reason: fmt.Sprintf("the run %s was cut off, and there is no such unit here any more", u.ID),
				Hint:   "check out a commit that still has it, and run penstock recover there"})
		default:
			notices = append(notices, pipelines.Notice{Message: fmt.Sprintf("the run %s on %q was cut off, but that is not among the units looked at here", u.ID, u.Target)})
		}
	}
	report := sideBySide(ctx, r.Scope, RecoverStage, targets, run.target)
	report.Notices, report.Results = append(report.Notices, notices...), append(report.Results, gone...)
	report.Close()
	return report, nil
}

// nowhere says whether a lease is of no unit that there is, so that no choice of units
// would ever come to it. Where environments or targets were chosen, others are left out.
func (r Recover) nowhere(lease string) bool {
	return len(r.Environments)+len(r.Only) == 0 && !slices.ContainsFunc(r.Selection.Live, func(path string) bool {
		return strings.HasSuffix(lease, "/"+path) || path == "." && strings.HasSuffix(lease, "/_root")
	})
}
