package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// journal writes a run with these events and returns its journal and directory.
func journal(t *testing.T, l *Ledger, root string, events ...Event) (*Journal, string) {
	t.Helper()
	o := owner(t)
	j, err := l.Begin("live/a", o)
	for _, e := range events {
		if err == nil {
			err = j.Record(t.Context(), Entry{Event: e})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return j, filepath.Join(root, "journal", "live", "a", o.Run)
}

// Whatever is wrong with a journal, nothing is left out in silence, and a run
// that is not known to be over is never taken for one.
func TestDamagedJournalsAreErrors(t *testing.T) {
	file := func(name string) func(string) string {
		return func(dir string) string { return filepath.Join(dir, name) }
	}
	write := func(name, text string) func(string) error {
		return func(dir string) error { return os.WriteFile(file(name)(dir), []byte(text), 0o600) }
	}
	move := func(from, to string) func(string) error {
		return func(dir string) error { return os.Rename(file(from)(dir), file(to)(dir)) }
	}
	for name, damage := range map[string]func(dir string) error{
		"gap":           func(dir string) error { return os.Remove(file("000002-started.json")(dir)) },
		"no intent":     func(dir string) error { return os.Remove(file("000001-intent.json")(dir)) },
		"empty end":     write("000003-finished.json", ""),
		"half an end":   write("000003-finished.json", `{"format":1,"target":"live/a"`),
		"later format":  write("000003-finished.json", `{"format":2}`),
		"foreign file":  write("notes.txt", ""),
		"unknown event": write("000004-exploded.json", "{}"),
		"wrong number":  move("000003-finished.json", "3-finished.json"),
		"renamed":       move("000003-finished.json", "000003-recovered.json"),
		"second intent": move("000002-started.json", "000002-intent.json"),
		"zero":          move("000001-intent.json", "000000-intent.json"),
		"moved elsewhere": func(dir string) error {
			to := strings.Replace(dir, "/live/a/", "/live/b/", 1)
			return errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.Rename(dir, to))
		},
		"not a run": func(dir string) error { return os.Rename(dir, filepath.Join(filepath.Dir(dir), "latest")) },
		"directory": func(dir string) error { return os.Remove(file("000003-finished.json")(dir)) },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			l := open(t, root)
			_, dir := journal(t, l, root, Intent, Started, Finished)
			if open, err := l.Unfinished(t.Context()); err != nil || len(open) != 0 {
				t.Fatalf("before: %v, %v", open, err)
			}
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			open, err := l.Unfinished(t.Context())
			if name == "directory" { // an end that is missing is a run that is not over
				if err != nil || len(open) != 1 {
					t.Errorf("got %v, %v", open, err)
				}
				return
			}
			if err == nil {
				t.Errorf("unfinished: %v", open)
			}
			_, a := l.Runs(t.Context(), "live/a")
			if _, b := l.Runs(t.Context(), "live/b"); a == nil && b == nil {
				t.Error("the runs could be read")
			}
		})
	}
}

// A run that lives on while another recovers it writes entries of the same
// number: that is told, and is not over before it is recovered in turn.
func TestContestedRun(t *testing.T) {
	root := t.TempDir()
	l := open(t, root)
	zombie, _ := journal(t, l, root, Intent, Started)
	rescue, err := l.Continue(t.Context(), "live/a", zombie.run, owner(t))
	if err == nil {
		err = errors.Join(rescue.Record(t.Context(), Entry{Event: Recovered}), zombie.Record(t.Context(), Entry{Event: Finished}))
	}
	if err != nil {
		t.Fatal(err)
	}
	open, err := l.Unfinished(t.Context())
	if err != nil || len(open) != 1 || !open[0].Contested || len(open[0].Entries) != 4 {
		t.Fatalf("got %+v, %v", open, err)
	}
	again, err := l.Continue(t.Context(), "live/a", zombie.run, owner(t))
	if err == nil {
		err = again.Record(t.Context(), Entry{Event: Recovered})
	}
	if err != nil {
		t.Fatal(err)
	}
	if open, err = l.Unfinished(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("got %+v, %v", open, err)
	}
	if run, err := l.Run(t.Context(), "live/a", zombie.run); err != nil || !run.Contested || !run.Over() || run.Owner() != zombie.by {
		t.Errorf("got %+v, %v", run, err)
	}
}

func TestOrderOfEntries(t *testing.T) {
	l := open(t, t.TempDir())
	j, err := l.Begin("x", owner(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Event{Started, Finished, "", "../intent", "unknown"} {
		if err := j.Record(t.Context(), Entry{Event: e}); err == nil {
			t.Errorf("began with %q", e)
		}
	}
	if err := j.Record(t.Context(), Entry{Event: Intent}); err != nil {
		t.Fatal(err)
	}
	for _, e := range []Event{Intent, "", "unknown"} {
		if err := j.Record(t.Context(), Entry{Event: e}); err == nil {
			t.Errorf("then %q", e)
		}
	}
	if err := j.Record(t.Context(), Entry{Event: Finished}); err != nil {
		t.Fatal(err)
	}
	run, err := l.Run(t.Context(), "x", j.run)
	if err != nil || len(run.Entries) != 2 || !run.Over() {
		t.Errorf("got %+v, %v", run, err)
	}
	if _, err := l.Run(t.Context(), "x", owner(t).Run); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// An entry of which it is not known whether it was written is settled before the
// next: no gap, and none twice.
func TestRecordAfterALostAnswer(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	server := storetest.NewS3(t)
	l := open(t, server.Address("x"))
	j, err := l.Begin("x", owner(t))
	if err == nil {
		err = j.Record(t.Context(), Entry{Event: Intent})
	}
	if err != nil {
		t.Fatal(err)
	}
	server.Lose.Store(1)
	if err := j.Record(t.Context(), Entry{Event: Started}); err == nil {
		t.Fatal("the answer was not lost")
	}
	server.Down.Store(true)
	if err := j.Record(t.Context(), Entry{Event: Failed}); err == nil {
		t.Fatal("written while the store was down")
	}
	server.Down.Store(false)
	if err := j.Record(t.Context(), Entry{Event: Finished}); err != nil {
		t.Fatal(err)
	}
	run, err := l.Run(t.Context(), "x", j.run)
	var events []Event
	for _, e := range run.Entries {
		events = append(events, e.Event)
	}
	if err != nil || !slices.Equal(events, []Event{Intent, Started, Finished}) {
		t.Errorf("got %v, %v", events, err)
	}
}

func TestRunIDs(t *testing.T) {
	seen := map[string]bool{}
	last := ""
	for i := range 10000 {
		run := newRun(time.Unix(1700000000, int64(i)*999_983).UTC())
		if seen[run] || run <= last || !runID.MatchString(run) || store.CheckName(run) != nil {
			t.Fatalf("%q after %q", run, last)
		}
		seen[run], last = true, run
	}
}

func TestCIFrom(t *testing.T) {
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "2",
		"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "a/b"}
	want := CI{Forge: "github", RunURL: "https://github.example/a/b/actions/runs/7", RunID: "7", Attempt: "2"}
	if got := CIFrom(func(k string) string { return env[k] }); got != want {
		t.Errorf("got %+v", got)
	}
	if got := CIFrom(func(string) string { return "" }); got != (CI{}) {
		t.Errorf("got %+v", got)
	}
}
