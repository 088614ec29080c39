package terratest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/sweep"
)

// begin saves the run before anything of it is started: from then on it can be swept.
func (s *session) begin(ctx context.Context) error {
	if s.States == "" {
		var err error
		if s.States, err = deployed.Default(); err != nil {
			return err
		}
	}
	states, err := deployed.Open(ctx, s.States)
	if err != nil {
		return err
	}
	run, err := deployed.NewRun(or(s.Sweep.Actor, "terratest"), ledger.CIFrom(os.Getenv), s.ttl)
	if err != nil {
		return err
	}
	s.id, s.expires = run.ID, run.TTL
	return states.Begin(ctx, run)
}

// programs are what a test may call, and what stands in for it.
var programs = []string{"terraform", "tofu"}

// standIn puts this program in front of terraform and tofu on the PATH of tests. It returns
// the variables for that, and is silent where neither is there: a test may not need any.
func (s *session) standIn() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("looking for this program: %w", err)
	}
	dir := filepath.Join(s.temp, "bin")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making room for terraform's stand-in: %w", err)
	}
	var env []string
	for _, name := range programs {
		real, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if real, err = filepath.Abs(real); err != nil {
			return nil, err
		}
		stand := filepath.Join(dir, name)
		if err := os.Symlink(self, stand); err != nil {
			return nil, fmt.Errorf("making terraform's stand-in: %w", err)
		}
		if s.program == "" {
			s.program, s.real = stand, real
			env = append(env, "PENSTOCK_TERRAFORM="+real)
		}
	}
	return append(env, "PATH="+dir+string(filepath.ListSeparator)+os.Getenv("PATH")), nil
}

// tools are what ran the cases.
func (s *session) tools(ctx context.Context, d declaration) []pipelines.Tool {
	kinds := map[string]bool{}
	for _, u := range d.units {
		for _, g := range u.groups {
			kinds[g.kind] = true
		}
	}
	var tools []pipelines.Tool
	ask := func(argv ...string) string {
		out, err := process.Run(ctx, process.Command{Argv: argv, Dir: s.temp, Env: s.shared})
		if err != nil || out.Exit != 0 {
			return ""
		}
		return string(out.Stdout)
	}
	if kinds[pipelines.CaseGo] {
		if version := strings.TrimSpace(ask("go", "env", "GOVERSION")); version != "" {
			tools = append(tools, pipelines.Tool{Name: "go", Version: strings.TrimPrefix(version, "go")})
		}
	}
	if s.real != "" && (kinds[pipelines.CaseTftest] || kinds[pipelines.CaseExample]) {
		var said struct {
			Version string `json:"terraform_version"`
		}
		name := filepath.Base(s.program)
		if name == "tofu" {
			name = "opentofu"
		}
		if json.Unmarshal([]byte(ask(s.real, "version", "-json")), &said) == nil && said.Version != "" {
			tools = append(tools, pipelines.Tool{Name: name, Version: printable.Text(said.Version, 60)})
		}
	}
	return tools
}

// sweepUp destroys what the tests left. What it finds is in the report of the tests: a leak
// fails them.
func (s *session) sweepUp(ctx context.Context, r *pipelines.Report) {
	how := s.Sweep
	how.States, how.ID, how.Mirror = s.States, s.id, s.Mirror
	swept, err := how.Run(ctx)
	if err != nil {
		result := pipelines.NotRunBecause(fmt.Errorf("sweeping the run: %w", err))
		result.Stage, result.Unit = sweep.Stage, s.id
		if result.Hint == "" {
			result.Hint = "run penstock sweep " + s.id
		}
		r.Results = append(r.Results, result)
		return
	}
	r.Results = append(r.Results, swept.Results...)
	for _, tool := range swept.Tools {
		if !slices.Contains(r.Tools, tool) {
			r.Tools = append(r.Tools, tool)
		}
	}
	r.Notices = append(r.Notices, swept.Notices...)
}
