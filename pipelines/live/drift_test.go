package live

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// watched is a repository of live units with real state, and a look at it.
type watched struct {
	t     *testing.T
	state string
	drift Drift
}

// newWatched writes a unit for each text, and applies it where apply is set.
func newWatched(t *testing.T, units map[string]string) *watched {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("SKIPPED: terraform is not on PATH")
	}
	open := false
	w := &watched{t: t, state: t.TempDir()}
	w.drift = Drift{Scope: pipelines.Scope{Root: t.TempDir(), Selection: pipelines.Selection{All: true}}, Store: dirStore(t), Creator: Creator{Actor: "test"},
		Config: &config.Config{Version: 1, Live: config.Live{Environments: []config.Environment{{Name: "test", Paths: []string{"**"}, Gates: &open,
			Backend: config.Backend{Type: "local", Config: map[string]any{"path": filepath.Join(w.state, "{unit}.tfstate")}}}}}}}
	for unit, main := range units {
		w.write(unit, main)
		w.drift.Selection.Units = append(w.drift.Selection.Units, pipelines.Unit{Path: unit, Kind: pipelines.Live, Inputs: []string{unit + "/main.tf"}})
		w.drift.Selection.Live = append(w.drift.Selection.Live, unit)
	}
	return w
}

func (w *watched) write(unit, main string) {
	w.t.Helper()
	dir := filepath.Join(w.drift.Root, unit)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte("terraform {\n  backend \"local\" {}\n}\n"+main), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// apply applies a unit as a person would.
func (w *watched) apply(unit, cliConfig string) {
	w.t.Helper()
	dir := w.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(w.drift.Root, unit))); err != nil {
		w.t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-input=false", "-backend-config=path=" + filepath.Join(w.state, unit+".tfstate")}, {"apply", "-input=false", "-auto-approve"}} {
		cmd := exec.Command("terraform", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TF_CLI_CONFIG_FILE="+cliConfig)
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("terraform %s: %v\n%s", args[0], err, out)
		}
	}
}

func (w *watched) run() map[string]pipelines.Result {
	w.t.Helper()
	r, err := w.drift.Run(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	results := map[string]pipelines.Result{}
	for _, result := range r.Results {
		results[result.Unit] = result
	}
	return results
}

func (w *watched) look(unit string) Look {
	w.t.Helper()
	looks, err := DriftHistory(w.t.Context(), w.drift.Store)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range looks {
		if l.Target == unit {
			return l
		}
	}
	return Look{}
}

const thing = "resource \"terraform_data\" \"a\" {\n  input = %q\n}\noutput \"o\" {\n  value = %q\n}\n"

// Three outcomes are kept apart: clean, drifted, and an error, which is never clean.
// Outputs alone do not alarm. A lock that somebody holds hinders no look.
func TestDriftOutcomes(t *testing.T) {
	w := newWatched(t, map[string]string{"live/clean": fmt.Sprintf(thing, "x", "x"), "live/pending": fmt.Sprintf(thing, "x", "x"),
		"live/broken": "resource \"terraform_data\" \"a\" {\n  input = tonumber(\"no\")\n}\n", "live/refused": "data \"external\" \"x\" {\n  program = [\"touch\", \"/nowhere\"]\n}\n"})
	w.apply("live/clean", "")
	w.apply("live/pending", "")
	w.write("live/clean", fmt.Sprintf(thing, "x", "another output"))
	w.write("live/pending", fmt.Sprintf(thing, "y", "x"))
	locked, err := os.OpenFile(filepath.Join(w.state, "live/clean.tfstate"), os.O_RDWR, 0)
	if err == nil {
		defer locked.Close()
		err = syscall.FcntlFlock(locked.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK})
	}
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(w.state, "live/pending.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	for round := 1; round <= 2; round++ {
		got := w.run()
		for unit, want := range map[string]pipelines.Verdict{"live/clean": pipelines.Pass, "live/pending": pipelines.Fail, "live/broken": pipelines.NotRun, "live/refused": pipelines.NotRun} {
			if got[unit].Verdict != want || w.look(unit).Looks != round {
				t.Errorf("round %d: %s is %+v, after %d looks", round, unit, got[unit], w.look(unit).Looks)
			}
		}
		if f := got["live/pending"].Findings; len(f) != 1 || f[0].Rule != rulePending || f[0].Resource != "terraform_data.a" || !strings.Contains(f[0].Message, "input") {
			t.Errorf("pending is %+v", f)
		}
		if reason := got["live/broken"].Reason; !strings.Contains(reason, "terraform plan ended with 1") {
			t.Errorf("broken is %q", reason)
		}
		if f := got["live/refused"].Findings; len(f) == 0 || !strings.Contains(f[0].Message, "external") {
			t.Errorf("refused is %+v", f)
		}
	}
	if l := w.look("live/broken"); l.Errors != 2 || l.Outcome != Failing {
		t.Errorf("the record of broken is %+v", l)
	}
	if after, err := os.ReadFile(filepath.Join(w.state, "live/pending.tfstate")); err != nil || string(after) != string(before) {
		t.Errorf("a look wrote the state: %v", err)
	}
	w.apply("live/pending", "")
	if got := w.run()["live/pending"]; got.Verdict != pipelines.Pass || w.look("live/pending").LastClean == nil {
		t.Errorf("after the apply it is %+v", got)
	}
}

// What is seen while an apply is at work is an error, even where nothing differs.
func TestDriftWhileSomebodyApplies(t *testing.T) {
	w := newWatched(t, map[string]string{"live/a": "output \"o\" {\n  value = 1\n}\n"})
	owner, err := ledger.NewOwner("anna", ledger.CI{})
	if err != nil {
		t.Fatal(err)
	}
	lease, err := ledger.New(w.drift.Store).Acquire(t.Context(), "test/live/a", owner, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.run()["live/a"]; got.Verdict != pipelines.NotRun || !strings.Contains(got.Reason, "it is being applied by run ") {
		t.Errorf("got %+v", got)
	}
	if err := lease.Release(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got := w.run()["live/a"]; got.Verdict != pipelines.Pass {
		t.Errorf("after it: %+v", got)
	}
}

// A run that looked at nothing is no pass, one that was interrupted remembers nothing,
// and one without a store does not begin.
func TestDriftThatSawNothing(t *testing.T) {
	w := newWatched(t, nil)
	if r, err := w.drift.Run(t.Context()); err != nil || r.Verdict != pipelines.NotRun {
		t.Errorf("no unit: %+v, %v", r, err)
	}
	w = newWatched(t, map[string]string{"live/a": fmt.Sprintf(thing, "x", "x")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := w.drift.Run(ctx); err == nil && r.Verdict != pipelines.NotRun {
		t.Errorf("interrupted: %+v", r)
	}
	if l := w.look("live/a"); l.Looks != 0 {
		t.Errorf("an interrupted run remembers %+v", l)
	}
	w.drift.Store = nil
	if _, err := w.drift.Run(t.Context()); err == nil {
		t.Error("it runs without a store")
	}
}

// A look that could not be remembered is not one that was: the report says so, and
// still tells what was seen.
func TestDriftThatCannotBeRemembered(t *testing.T) {
	w := newWatched(t, map[string]string{"live/a": fmt.Sprintf(thing, "x", "x")})
	w.drift.Store = fullStore{w.drift.Store}
	got := w.run()["live/a"]
	if got.Verdict != pipelines.NotRun || len(got.Findings) != 1 || !strings.Contains(got.Reason, "remembering the look: no space left") {
		t.Errorf("got %+v", got)
	}
}

// The oldest first: two runs of two see all of three, and the third run sees the one
// that the second did not.
func TestDriftOldestFirst(t *testing.T) {
	units := map[string]string{}
	for _, name := range []string{"a", "b", "c"} {
		units["live/"+name] = "output \"o\" {\n  value = 1\n}\n"
	}
	w := newWatched(t, units)
	w.drift.Oldest = 2
	first, second, third := w.run(), w.run(), w.run()
	for unit := range units {
		_, one := first[unit]
		_, two := second[unit]
		_, three := third[unit]
		if !one && !two || !two && !three {
			t.Errorf("%s: %v, %v, %v", unit, one, two, three)
		}
	}
	if len(first)+len(second)+len(third) != 6 {
		t.Errorf("%d, %d and %d were looked at", len(first), len(second), len(third))
	}
}
