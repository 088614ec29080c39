//go:build linux

package live_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// readsState is a unit that reads the state of another, in the same environment.
func readsState(unit string) string {
	return `data "terraform_remote_state" "it" {
  backend = "local"
  config  = { path = "../../../.penstock/state/dvlp/live/dvlp/` + unit + `.tfstate" }
}
`
}

// Three units that are broken, each in its own way, with one after each; one more after
// one of these; and two that nothing is wrong with.
var (
	brokenUnits = map[string]string{
		"torn":        "resource \"terraform_data\" \"x\" {\n", // it never ends
		"after-torn":  readsState("torn"),
		"later":       "resource \"terraform_data\" \"x\" {}\n", // penstock.yaml has it after after-torn
		"pipe":        "resource \"terraform_data\" \"x\" {}\n", // there is a pipe in its closure
		"after-pipe":  readsState("pipe"),
		"runs":        "resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" {\n    command = \"touch /tmp/ran\"\n  }\n}\n",
		"after-runs":  readsState("runs"),
		"whole":       "resource \"terraform_data\" \"x\" {}\n",
		"after-whole": "resource \"terraform_data\" \"x\" {}\n",
	}
	brokenOutcomes = map[string]struct {
		outcome live.Outcome
		says    string
	}{
		"torn":        {live.Failed, "live/dvlp/torn/main.tf:1:"},
		"after-torn":  {live.Failed, `it comes after "live/dvlp/torn", which could not be planned`},
		"later":       {live.Failed, `it comes after "live/dvlp/after-torn", which could not be planned`},
		"pipe":        {live.Failed, "is not a regular file"},
		"after-pipe":  {live.Failed, `it comes after "live/dvlp/pipe", which could not be planned`},
		"runs":        {live.Refused, "not planned: it would run or fetch what is not allowed"},
		"after-runs":  {live.Failed, `it comes after "live/dvlp/runs", which could not be planned`},
		"whole":       {live.Changes, "1 to create, risk low"},
		"after-whole": {live.Changes, "to be planned again after wave 1; 1 to create, risk low"},
	}
)

// broken is a repository of them, and what is configured of it.
func broken(t *testing.T) (pipelines.Scope, *config.Config) {
	t.Helper()
	mirror(t)
	s := pipelines.Scope{Root: t.TempDir()}
	for name, main := range brokenUnits {
		unit := "live/dvlp/" + name
		if err := os.MkdirAll(filepath.Join(s.Root, unit), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.Root, unit, "main.tf"), []byte(main), 0o644); err != nil {
			t.Fatal(err)
		}
		u := pipelines.Unit{Path: unit, Kind: pipelines.Live, Inputs: []string{unit + "/main.tf"}}
		if name == "pipe" {
			u.Inputs = append(u.Inputs, unit+"/fifo")
			if err := syscall.Mkfifo(filepath.Join(s.Root, unit, "fifo"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.Selection.Units = append(s.Selection.Units, u)
		s.Selection.Live = append(s.Selection.Live, unit)
	}
	s.Selection.Total, s.Selection.All = len(s.Selection.Units), true
	return s, &config.Config{Version: 1, Live: config.Live{Environments: []config.Environment{{Name: "dvlp"}}, Units: []config.LiveUnit{
		{Path: "live/dvlp/after-whole", After: []string{"live/dvlp/whole"}}, {Path: "live/dvlp/later", After: []string{"live/dvlp/after-torn"}}}}}
}

// A unit that is broken stops itself and what comes after it; all others are planned.
func TestABrokenUnitStopsNoOther(t *testing.T) {
	s, c := broken(t)
	out := t.TempDir()
	r, err := live.Plan{Scope: s, Config: c, Out: out}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict.ExitCode() != pipelines.ExitNotRun {
		t.Errorf("the verdict is %s", r.Verdict)
	}
	records := (&project{t: t}).records(out)
	results := map[string]pipelines.Result{}
	for _, one := range r.Results {
		if one.Stage == live.PlanStage {
			results[one.Unit] = one
		}
	}
	page, err := os.ReadFile(filepath.Join(out, live.PageFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range brokenOutcomes {
		unit := "live/dvlp/" + name
		result := results[unit]
		if got := records[unit].Outcome; got != want.outcome || !strings.Contains(result.Reason, want.says) {
			t.Errorf("%s: %s, %q", name, got, result.Reason)
		}
		planned := want.outcome == live.Changes
		if planned != (result.Verdict == pipelines.Pass) || !planned && result.Verdict.ExitCode() == pipelines.ExitClean {
			t.Errorf("%s: %s", name, result.Verdict)
		}
		if !strings.Contains(string(page), name) {
			t.Errorf("%s is not on the page", name)
		}
	}
	if t.Failed() {
		t.Logf("%s", page)
	}
}

// A look at a unit that is broken is an error; what depends on it can be looked at all
// the same, because it is compared with the world and not with a plan.
func TestDriftLooksBesideABrokenUnit(t *testing.T) {
	s, c := broken(t)
	kept, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r, err := live.Drift{Scope: s, Config: c, Store: kept, Only: []string{"live/dvlp/torn", "live/dvlp/runs", "live/dvlp/whole", "live/dvlp/after-whole"}}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict.ExitCode() != pipelines.ExitNotRun || len(r.Results) != 4 {
		t.Errorf("the verdict is %s of %d results", r.Verdict, len(r.Results))
	}
	for _, one := range r.Results {
		is := filepath.Base(one.Unit) == "torn" || filepath.Base(one.Unit) == "runs"
		if is != (one.Verdict == pipelines.NotRun) {
			t.Errorf("%s: %s, %q", one.Unit, one.Verdict, one.Reason)
		}
	}
	looks, err := live.DriftHistory(t.Context(), kept)
	if err != nil || len(looks) != 4 {
		t.Errorf("%d looks are remembered: %v", len(looks), err)
	}
}
