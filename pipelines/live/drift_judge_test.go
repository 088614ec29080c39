package live

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/redact"
)

var updateDrift = flag.Bool("update-drift", false, "rewrite what the cases of drift want")

// driftDay is the day of all cases.
var driftDay = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// The cases in testdata/drift/cases are plans and what is ignored of them. Where one
// brings no plan.json it is about a real plan of the AWS provider: a queue and a
// parameter were changed by hand, a queue was deleted by hand, and the code has a new
// timeout for two queues. code.json is the same without a refresh.
func TestDriftOfPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/drift/cases/*.txtar")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			c, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			part := map[string]string{}
			for _, f := range c.Files {
				part[f.Name] = string(f.Data)
			}
			got := judgedCase(t, part)
			for _, secret := range []string{"Pa55word", "hunter2"} {
				if strings.Contains(got, secret) {
					t.Errorf("a secret is told: %s", got)
				}
			}
			if *updateDrift {
				for i := range c.Files {
					if c.Files[i].Name == "want" {
						c.Files[i].Data = []byte(got)
					}
				}
				if err := os.WriteFile(file, txtar.Format(c), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, ok := part["want"]; !ok || got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// judgedCase is what a case comes to, as text.
func judgedCase(t *testing.T, part map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	c := &config.Config{Version: 1}
	if text, ok := part["penstock.yaml"]; ok {
		if err := os.WriteFile(filepath.Join(dir, config.File), []byte("version: 1\nlive:\n  drift:\n    ignore:\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		var err error
		if c, err = config.Load(os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
	}
	ignores, err := newIgnoring(c.Live.Drift.Ignore, driftDay)
	if err != nil {
		t.Fatal(err)
	}
	target := Target{Unit: pipelines.Unit{Path: "live/prod/app"}, Environment: config.Environment{Name: "prod"}}
	read := func(name string) (glance, error) {
		g := glance{file: filepath.Join("testdata/drift", name)}
		if text, ok := part[name]; ok {
			g.file = filepath.Join(dir, name)
			if err := os.WriteFile(g.file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		file, err := os.Open(g.file)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		g.judgement, err = judgePlan(file, target, ignores)
		return g, err
	}
	first, err := read("plan.json")
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	code := first
	if _, own := part["plan.json"]; !own || part["code.json"] != "" {
		if code, err = read("code.json"); err != nil {
			return "error: " + err.Error() + "\n"
		}
	}
	literals, err := redact.ReadLiterals(os.DirFS("testdata/drift"), []string{"main.tf"})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := told(dir, first, code, redact.Options{Literals: literals})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d resources, %d outside, %d pending, %d ignored\n", seen.outcome, seen.resources, seen.count(ruleOutside), seen.count(rulePending), seen.ignored)
	for _, d := range seen.differences {
		f := d.finding()
		fmt.Fprintf(&b, "%s %s %s: %s\n", f.Severity, f.Rule, f.Resource, f.Message)
	}
	for _, n := range ignores.notices(true) {
		fmt.Fprintf(&b, "notice %s:%d: %s\n", n.Path, n.Line, n.Message)
	}
	return b.String()
}
