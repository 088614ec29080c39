package terraform

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// ourHCL is the library that the tests are built with; a test program does not know it.
func ourHCL(t *testing.T) string {
	t.Helper()
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(mod), hclModule+" ")
	version, _, ok := strings.Cut(rest, "\n")
	if !ok || minor(version) < oldestAlike {
		t.Fatalf("go.mod names no %s", hclModule)
	}
	return version
}

func TestAlike(t *testing.T) {
	const ours = "v2.25.0"
	fork := func(path, version string) *debug.Module {
		return &debug.Module{Path: hclModule, Version: "v2.20.1", Replace: &debug.Module{Path: path, Version: version}}
	}
	for name, c := range map[string]struct {
		theirs *debug.Module
		ours   string
		want   bool
	}{
		"the same":            {&debug.Module{Version: ours}, ours, true},
		"older":               {&debug.Module{Version: "v2.20.0"}, ours, true},
		"before ::":           {&debug.Module{Version: "v2.19.1"}, ours, false},
		"newer than ours":     {&debug.Module{Version: "v2.26.0"}, ours, false},
		"between releases":    {&debug.Module{Version: "v2.24.1-0.20260101000000-0123456789ab"}, ours, false},
		"another major":       {&debug.Module{Version: "v3.1.0"}, ours, false},
		"a fork that is read": {fork("github.com/opentofu/hcl/v2", forksAlike["github.com/opentofu/hcl/v2"]), ours, true},
		"another of its":      {fork("github.com/opentofu/hcl/v2", "v2.20.3"), ours, false},
		"any other fork":      {fork("example.com/hcl/v2", "v2.25.0"), ours, false},
		"a folder":            {fork("../hcl", ""), ours, false},
		"ours is not known":   {&debug.Module{Version: ours}, "", false},
	} {
		if got := alike(c.theirs, c.ours); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestFmtStartsNothingWhereItIsSure: the program is only looked at. It is a copy
// that cannot be started, so that a question would be seen.
func TestFmtStartsNothingWhereItIsSure(t *testing.T) {
	needTerraform(t)
	p := mustFind(t)
	dead := filepath.Join(t.TempDir(), "terraform")
	content, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	copy(content[24:32], make([]byte, 8)) // the address where it would start
	if err := os.WriteFile(dead, content, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := tree(t, map[string]string{"sure/a.tf": unformatted, "sure/b.tf": clean, "doubt/a.tf": doubtfulTF})
	verdict := func(unit string, f Fmt) pipelines.Verdict {
		f.Scope, f.NoCache, f.Program = scope(dir, unit), true, dead
		return run(t, f).Results[0].Verdict
	}
	withHCL(t, ourHCL(t))
	if !(program{path: dead}).built().alike {
		t.Skip("SKIPPED: this terraform has a formatter that was not compared")
	}
	if got := verdict("sure", Fmt{}); got != pipelines.Fail {
		t.Errorf("unformatted: %q, want a failure without a question", got)
	}
	if got := verdict("doubt", Fmt{}); got != pipelines.NotRun {
		t.Errorf("in doubt: %q, want not run: only terraform knows", got)
	}
	if got := verdict("sure", Fmt{Fix: true}); got != pipelines.NotRun {
		t.Errorf("to be rewritten: %q, want not run: what is written is terraform's", got)
	}
	withHCL(t, "v2.19.0")
	if got := verdict("sure", Fmt{}); got != pipelines.NotRun {
		t.Errorf("another formatter: %q, want not run", got)
	}
}

// TestFmtRemembersWhatTerraformLeaves: for the same program, and only for it.
func TestFmtRemembersWhatTerraformLeaves(t *testing.T) {
	needTerraform(t)
	withHCL(t, ourHCL(t))
	p, cache := mustFind(t), t.TempDir()
	const left = "resource \"a\" \"b\\\"c\" {\n}\n" // a label that is not plain
	dir := tree(t, map[string]string{"unit/a.tf": left, "rewritten/a.tf": doubtfulTF})
	if o := examine("a.tf", []byte(left)); o.doubt == nil {
		t.Fatal("there is no doubt any more: the test needs another construct")
	}
	asked := func(unit string) bool {
		report := run(t, Fmt{Scope: scope(dir, unit), Program: p.path, Cache: cache})
		want := map[string]pipelines.Verdict{"unit": pipelines.Pass, "rewritten": pipelines.Fail}[unit]
		if got := report.Results[0].Verdict; got != want {
			t.Errorf("%s: %q, want %q", unit, got, want)
		}
		return len(report.Tools) > 1
	}
	if !asked("unit") || asked("unit") {
		t.Error("want one question about what terraform leaves alone")
	}
	if !asked("rewritten") || !asked("rewritten") {
		t.Error("what terraform rewrites is to be asked again: only good verdicts are kept")
	}
	other := filepath.Join(t.TempDir(), "terraform")
	if err := os.Symlink(p.path, other); err != nil {
		t.Fatal(err)
	}
	if p.path = other; asked("unit") {
		t.Error("the same program under another name is to be known")
	}
	if (program{path: other}).built().identity == (program{path: "/bin/sh"}).built().identity {
		t.Error("a program that says nothing of itself has an identity")
	}
}
