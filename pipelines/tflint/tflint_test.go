package tflint

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func scope(dir string, units ...string) pipelines.Scope {
	s := pipelines.Scope{Root: dir, Selection: pipelines.Selection{All: true, Total: len(units)}}
	for _, unit := range units {
		s.Selection.Units = append(s.Selection.Units, pipelines.Unit{Path: unit, Kind: pipelines.Module})
	}
	return s
}

func lint(t *testing.T, l Tflint) *pipelines.Report {
	t.Helper()
	if l.Plugins == "" {
		l.Plugins = t.TempDir()
	}
	report, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// needTflint returns the path of a real tflint: of PATH, or where .ci/tools puts it.
func needTflint(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("tflint"); err == nil {
		return path
	}
	t.Skip("SKIPPED: tflint is not on PATH: run .ci/tools and add what it prints to PATH")
	return ""
}

const (
	unused = "variable \"unused\" {\n  type = string\n}\n\nterraform {\n  required_version = \">= 1.9\"\n}\n"
	good   = "terraform {\n  required_version = \">= 1.9\"\n}\n"
	off    = "rule \"terraform_unused_declarations\" {\n  enabled = false\n}\n"
)

func TestTflint(t *testing.T) {
	needTflint(t)
	outside := filepath.Join(t.TempDir(), "x.tf")
	if err := os.WriteFile(outside, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := tree(t, map[string]string{
		"good/main.tf": good, "unused/main.tf": unused, "broken/main.tf": "x = \n", "empty/README.md": "", "tofu/main.tofu": good,
		"off/main.tf": unused, "off/.tflint.hcl": off,
		"json/main.tf": unused, "json/.tflint.json": `{"rule": {"terraform_unused_declarations": {"enabled": false}}}`,
		"ignored/main.tf": "# tflint-ignore: terraform_unused_declarations\n" + unused,
		"force/main.tf":   unused, "force/.tflint.hcl": "config {\n  force = true\n}\n",
		"wrong/main.tf": good, "wrong/.tflint.hcl": "config {\n  foo = 1\n}\n",
		"plugin/main.tf": good, "plugin/.tflint.hcl": "plugin \"aws\" {\n  enabled = true\n  version = \"0.40.0\"\n  source  = \"github.com/terraform-linters/tflint-ruleset-aws\"\n}\n",
		"manual/main.tf": good, "manual/.tflint.hcl": "plugin \"own\" {\n  enabled = true\n}\n",
		"odd\n\x1b[2J/main.tf": unused,
	})
	for name, link := range map[string]string{"outside": outside, "loop": "x.tf", "gone": "gone.tf"} {
		if err := errors.Join(os.Mkdir(dir+"/"+name, 0o755), os.Symlink(link, dir+"/"+name+"/x.tf")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(dir+"/pipe", 0o755), syscall.Mkfifo(dir+"/pipe/x.tf", 0o600)); err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		verdict         pipelines.Verdict
		place, says, to string
	}{
		"good":         {pipelines.Pass, "", "", ""},
		"unused":       {pipelines.Fail, "unused/main.tf", `variable "unused" is declared but not used`, "https://"},
		"broken":       {pipelines.NotRun, "", "broken/main.tf:1:5: Invalid expression", ""},
		"empty":        {pipelines.Pass, "", "no Terraform configuration", ""},
		"tofu":         {pipelines.NotRun, "", "OpenTofu's own files", "--skip tflint"},
		"off":          {pipelines.Pass, "", "", ""},
		"json":         {pipelines.Pass, "", "", ""},
		"ignored":      {pipelines.Pass, "", "", ""},
		"force":        {pipelines.Fail, "force/main.tf", "declared but not used", ""},
		"wrong":        {pipelines.NotRun, "", "wrong/.tflint.hcl:2:3: Unsupported argument", ""},
		"plugin":       {pipelines.NotRun, "", `Plugin "aws" not found`, "--offline"},
		"manual":       {pipelines.NotRun, "", `Plugin "own" not found`, "source and a version"},
		"outside":      {pipelines.NotRun, "", "escapes", ""},
		"loop":         {pipelines.NotRun, "", "too many levels", ""},
		"gone":         {pipelines.NotRun, "", "no such file", ""},
		"pipe":         {pipelines.NotRun, "", "not a regular file", ""},
		"missing":      {pipelines.NotRun, "", "no such file", ""},
		"odd\n\x1b[2J": {pipelines.Fail, "odd\n\x1b[2J/main.tf", "declared but not used", ""},
	}
	var units []string
	for unit := range want {
		units = append(units, unit)
	}
	report := lint(t, Tflint{Scope: scope(dir, units...), Offline: true})
	for _, got := range report.Results {
		c := want[got.Unit]
		place, says, to := "", got.Reason, got.Hint
		if len(got.Findings) > 0 {
			f := got.Findings[0]
			place, says, to = f.Path, f.Message, f.Hint
			if f.Line != 1 || f.Rule != "terraform_unused_declarations" || f.Severity != pipelines.Medium {
				t.Errorf("%q: %+v", got.Unit, f)
			}
		}
		if got.Verdict != c.verdict || place != c.place || !strings.Contains(says, c.says) || !strings.Contains(to, c.to) {
			t.Errorf("%q: %+v, want %+v", got.Unit, got, c)
		}
		if strings.ContainsAny(got.Reason, "\n\x1b") {
			t.Errorf("control characters in %q", got.Reason)
		}
	}
	if len(report.Tools) != 1 || report.Tools[0].Name != "tflint" || report.Tools[0].Version == "" {
		t.Errorf("tools: %v", report.Tools)
	}
	if before, err := os.ReadDir(dir + "/good"); err != nil || len(before) != 1 {
		t.Errorf("the checkout holds %v", before)
	}
}

// TestTflintConfigurationOfTheBase: a pull request cannot switch a rule off, or
// choose a plugin, for itself.
func TestTflintConfigurationOfTheBase(t *testing.T) {
	needTflint(t)
	const all = "config {\n  disabled_by_default = true\n}\n"
	for name, c := range map[string]struct {
		head, base map[string]string
		want       pipelines.Verdict
		notice     string
	}{
		"none":               {nil, nil, pipelines.Fail, ""},
		"the same":           {map[string]string{"unit/.tflint.hcl": off}, map[string]string{"unit/.tflint.hcl": off}, pipelines.Pass, ""},
		"brought":            {map[string]string{"unit/.tflint.hcl": off}, nil, pipelines.Fail, "unit/.tflint.hcl"},
		"brought to root":    {map[string]string{".tflint.hcl": off}, nil, pipelines.Fail, ".tflint.hcl"},
		"changed":            {map[string]string{"unit/.tflint.hcl": all}, map[string]string{"unit/.tflint.hcl": "# nothing\n"}, pipelines.Fail, "unit/.tflint.hcl"},
		"taken away":         {nil, map[string]string{"unit/.tflint.hcl": off}, pipelines.Pass, "unit/.tflint.hcl"},
		"root of the base":   {map[string]string{".tflint.hcl": off}, map[string]string{".tflint.hcl": off}, pipelines.Pass, ""},
		"unit before root":   {map[string]string{"unit/.tflint.hcl": "# own\n", ".tflint.hcl": off}, map[string]string{"unit/.tflint.hcl": "# own\n", ".tflint.hcl": off}, pipelines.Fail, ""},
		"plugin brought":     {map[string]string{"unit/.tflint.hcl": "plugin \"x\" {\n  enabled = true\n}\n"}, nil, pipelines.Fail, "unit/.tflint.hcl"},
		"shadows root's own": {map[string]string{"unit/.tflint.hcl": off, ".tflint.hcl": "# own\n"}, map[string]string{".tflint.hcl": "# own\n"}, pipelines.Fail, "unit/.tflint.hcl"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"unit/main.tf": unused}
			for name, content := range c.head {
				files[name] = content
			}
			l := Tflint{Scope: scope(tree(t, files), "unit"), Offline: true}
			l.Base = os.DirFS(tree(t, c.base))
			report := lint(t, l)
			if got := report.Results[0]; got.Verdict != c.want {
				t.Errorf("got %+v, want %q", got, c.want)
			}
			var notices []string
			for _, n := range report.Notices {
				notices = append(notices, n.Path)
			}
			if strings.Join(notices, " ") != c.notice {
				t.Errorf("notices %+v, want one of %q", report.Notices, c.notice)
			}
		})
	}
}

// TestTflintRunsNothingOfTheCheckout brings a program as a plugin in each place
// that tflint could be led to.
func TestTflintRunsNothingOfTheCheckout(t *testing.T) {
	tflint := needTflint(t)
	marker := filepath.Join(t.TempDir(), "executed")
	dir := tree(t, map[string]string{
		"unit/main.tf": good,
		"unit/.tflint.d/plugins/tflint-ruleset-evil":                  "#!/bin/sh\necho executed >> " + marker + "\n",
		"unit/.tflint.d/plugins/github.com/a/b/1/tflint-ruleset-evil": "#!/bin/sh\necho executed >> " + marker + "\n",
	})
	plugins := filepath.Join(dir, "unit", ".tflint.d", "plugins")
	for _, name := range []string{"tflint-ruleset-evil", "github.com/a/b/1/tflint-ruleset-evil"} {
		if err := os.Chmod(filepath.Join(plugins, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TFLINT_PLUGIN_DIR", plugins)
	t.Setenv("HOME", filepath.Join(dir, "unit"))
	kept := t.TempDir()
	up := strings.Repeat("../", 12) + strings.TrimPrefix(plugins, "/")
	for name, config := range map[string]string{
		"by name":     "plugin \"evil\" {\n  enabled = true\n}\n",
		"by place":    "config {\n  plugin_dir = \"" + plugins + "\"\n}\n\nplugin \"evil\" {\n  enabled = true\n}\n",
		"relative":    "config {\n  plugin_dir = \".tflint.d/plugins\"\n}\n\nplugin \"evil\" {\n  enabled = true\n}\n",
		"by version":  "plugin \"evil\" {\n  enabled = true\n  source  = \"github.com/a/b\"\n  version = \"../../../../" + up + "\"\n}\n",
		"by source":   "plugin \"evil\" {\n  enabled = true\n  source  = \"../..\"\n  version = \"1\"\n}\n",
		"by its name": "plugin \"x/../" + up + "/tflint-ruleset-evil\" {\n  enabled = true\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "unit", ".tflint.hcl"), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		if name == "by name" { // first that the trap works: tflint by itself
			plain := exec.Command(tflint)
			plain.Dir = filepath.Join(dir, "unit")
			out, _ := plain.CombinedOutput()
			if os.Remove(marker) != nil {
				t.Fatalf("tflint by itself did not run the program: this test proves nothing\n%s", out)
			}
		}
		got := lint(t, Tflint{Scope: scope(dir, "unit"), Program: tflint, Plugins: kept, Offline: true}).Results[0]
		if got.Verdict != pipelines.NotRun {
			t.Errorf("%s: %+v, want it not run", name, got)
		}
		if os.Remove(marker) == nil {
			t.Errorf("%s: a program of the checkout was run", name)
		}
	}
}

func TestTflintAbsent(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	got := lint(t, Tflint{Scope: scope(tree(t, map[string]string{"unit/main.tf": good}), "unit")}).Results[0]
	if got.Verdict != pipelines.NotRun || !strings.Contains(got.Reason, "looking for tflint") || got.Hint != installHint {
		t.Errorf("got %+v", got)
	}
}

// script is a stand-in for tflint that needs a plugin, which its --init fetches.
const script = `#!/bin/sh
plugin=$TFLINT_PLUGIN_DIR/github.com/a/b/1/tflint-ruleset-x
case "$*" in
*--version*) echo "TFLint version 0.64.0" ;;
*--init*)
	echo init "$GITHUB_TOKEN" >> LOG
	[ ! -e FAILS ] || { echo "Failed to install a plugin; API rate limit exceeded" >&2; exit 1; }
	mkdir -p "$(dirname "$plugin")"; : > "$plugin" ;;
*)
	echo "lint token=$GITHUB_TOKEN" >> LOG
	if [ -e "$plugin" ]; then echo '{"issues":[],"errors":[]}'; else
		echo '{"issues":[],"errors":[{"message":"Plugin \"x\" not found. Did you run \"tflint --init\"?"}]}'; exit 1; fi ;;
esac
`

func standIn(t *testing.T) (program, dir string) {
	dir = t.TempDir()
	program = filepath.Join(dir, "tflint")
	content := strings.NewReplacer("LOG", filepath.Join(dir, "log"), "FAILS", filepath.Join(dir, "fails")).Replace(script)
	if err := os.WriteFile(program, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	return program, dir
}

func TestTflintFetchesPluginsOnce(t *testing.T) {
	program, dir := standIn(t)
	t.Setenv("GITHUB_TOKEN", "secret")
	files := map[string]string{".tflint.hcl": "plugin \"x\" {\n  enabled = true\n  source = \"github.com/a/b\"\n  version = \"1\"\n}\n"}
	units := []string{"a", "b", "c", "d"}
	for _, unit := range units {
		files[unit+"/main.tf"] = good
	}
	l := Tflint{Scope: scope(tree(t, files), units...), Program: program, Plugins: t.TempDir()}
	for range 2 {
		if report := lint(t, l); report.Verdict != pipelines.Pass {
			t.Fatalf("got %+v", report.Results)
		}
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	if strings.Count(string(log), "init secret") != 1 || strings.Contains(string(log), "token=secret") {
		t.Errorf("want one init, and no token elsewhere:\n%s", log)
	}

	l.Plugins, l.Offline = t.TempDir(), true
	if got := lint(t, l).Results[0]; got.Verdict != pipelines.NotRun || !strings.Contains(got.Hint, "--offline") {
		t.Errorf("offline: %+v", got)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "log")), os.WriteFile(filepath.Join(dir, "fails"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	l.Offline = false
	for _, got := range lint(t, l).Results {
		if got.Verdict != pipelines.NotRun || !strings.Contains(got.Reason, "rate limit") || !strings.Contains(got.Hint, "GITHUB_TOKEN") {
			t.Errorf("rate limit: %+v", got)
		}
	}
	log, _ = os.ReadFile(filepath.Join(dir, "log"))
	if n := strings.Count(string(log), "init"); n < 1 || n > 2 {
		t.Errorf("%d attempts to fetch, although the first one failed:\n%s", n, log)
	}
}

func TestTflintStopsItsProcesses(t *testing.T) {
	dir := t.TempDir()
	program, alive := filepath.Join(dir, "tflint"), filepath.Join(dir, "alive")
	content := "#!/bin/sh\ncase $1 in --version) echo TFLint version 1; exit;; esac\n" +
		"(while :; do date +%s%N > " + alive + "; sleep 0.05; done) &\nwait\n"
	if err := os.WriteFile(program, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(alive); err == nil {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	l := Tflint{Scope: scope(tree(t, map[string]string{"unit/main.tf": good}), "unit"), Program: program, Plugins: t.TempDir()}
	report, err := l.Run(ctx)
	if err != nil || report.Results[0].Verdict != pipelines.NotRun {
		t.Errorf("got %+v, %v", report, err)
	}
	before, _ := os.ReadFile(alive)
	time.Sleep(300 * time.Millisecond)
	if after, _ := os.ReadFile(alive); string(before) != string(after) {
		t.Error("a process that tflint started is still there")
	}
}
