package terratest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/catalog"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/sweep"
	"github.com/penstock-dev/penstock/pipelines/terratest/shim"
)

// The test binary is also what penstock is to a test: terraform by its name.
func TestMain(m *testing.M) {
	if shim.Called(os.Args[0]) {
		os.Exit(shim.Main(context.Background(), os.Args))
	}
	os.Exit(m.Run())
}

// place writes files below a new directory. What ends in _test.go is a package of tests
// without dependencies: it is given its clause, the imports that it names, and a module.
func place(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") && !strings.Contains(content, "package ") {
			imports := `"testing"` + "\n"
			for _, name := range []string{"fmt", "os", "os/signal", "strings", "sync", "syscall", "time"} {
				if strings.Contains(content, name[strings.LastIndex(name, "/")+1:]+".") {
					imports += fmt.Sprintf("%q\n", name)
				}
			}
			content = "package tests\nimport (\n" + imports + ")\n" + content
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := files["go.mod"]; !ok {
		if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.invalid/tests\n\ngo 1.24\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// stage is a run on all units of a catalog, with no retries and logs that are kept.
func stage(t *testing.T, root string) Terratest {
	t.Helper()
	c, err := config.Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	selected, err := catalog.Select(t.Context(), catalog.Options{Root: root, All: true, Config: c})
	if err != nil {
		t.Fatal(err)
	}
	return Terratest{Scope: pipelines.Scope{Root: root, Selection: selected.Selection}, Config: c, Parallel: 2, Retries: new(int),
		Out: t.TempDir(), States: t.TempDir(), Sweep: sweep.Sweep{Patience: time.Second, Pause: time.Millisecond}}
}

func run(t *testing.T, s Terratest) *pipelines.Report {
	t.Helper()
	r, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// outcomes are the cases of a report: "unit:case" and what became of it.
func outcomes(r *pipelines.Report) map[string]pipelines.Case {
	all := map[string]pipelines.Case{}
	for _, result := range r.Results {
		for _, c := range result.Cases {
			all[result.Unit+":"+c.Name] = c
		}
	}
	return all
}

func resultOf(t *testing.T, r *pipelines.Report, unit string) pipelines.Result {
	t.Helper()
	for _, result := range r.Results {
		if result.Stage == Stage && result.Unit == unit {
			return result
		}
	}
	t.Fatalf("there is no result of %s", unit)
	return pipelines.Result{}
}

// expect compares what became of every case: no more and no fewer.
func expect(t *testing.T, r *pipelines.Report, verdict pipelines.Verdict, want map[string]string) {
	t.Helper()
	got := outcomes(r)
	for name, status := range want {
		if got[name].Status != status {
			t.Errorf("%s: %q (%s), want %s", name, got[name].Status, got[name].Reason, status)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d cases, want %d: %v", len(got), len(want), slices.Sorted(maps.Keys(got)))
	}
	if r.Verdict != verdict {
		t.Errorf("the verdict is %s, want %s", r.Verdict, verdict)
	}
	if t.Failed() {
		var b strings.Builder
		_ = report.Text(&b, r, report.Options{})
		t.Fatal(b.String())
	}
}

func TestEveryDeclaredCaseIsInTheReport(t *testing.T) {
	root := place(t, map[string]string{"tests/queue/queue_test.go": `
func TestGood(t *testing.T) { t.Log("fine") }
func TestBad(t *testing.T) { t.Errorf("x is %d\nand more", 4); t.Run("below", func(t *testing.T) {}) }
func TestSkips(t *testing.T) { t.Skip("no account") }
func TestParallel(t *testing.T) { t.Parallel() }
func FuzzSeeds(f *testing.F) { f.Add(1); f.Fuzz(func(t *testing.T, i int) {}) }
func Example() { fmt.Println(1)
	// Output: 1
}
func BenchmarkNot(b *testing.B) {}
`})
	s := stage(t, root)
	r := run(t, s)
	expect(t, r, pipelines.Fail, map[string]string{"tests/queue:TestGood": "passed", "tests/queue:TestBad": "failed", "tests/queue:TestSkips": "skipped",
		"tests/queue:TestParallel": "passed", "tests/queue:FuzzSeeds": "passed", "tests/queue:Example": "passed"})
	bad := outcomes(r)["tests/queue:TestBad"]
	if bad.Reason != "queue_test.go:8: x is 4" || !strings.Contains(bad.Output, "        and more\n") {
		t.Errorf("%+v", bad)
	}
	if reason := outcomes(r)["tests/queue:TestSkips"].Reason; reason != "queue_test.go:9: no account" {
		t.Error(reason)
	}
	if f := resultOf(t, r, "tests/queue").Findings; len(f) != 1 || f[0].Path != "tests/queue/queue_test.go" || f[0].Line != 8 {
		t.Errorf("%+v", f)
	}
	log, err := os.ReadFile(filepath.Join(s.Out, bad.Log))
	if err != nil || !strings.Contains(string(log), "x is 4") || strings.Contains(string(log), "fine") {
		t.Errorf("%v: %s", err, log)
	}
}

// What tests print that run at the same time is each one's own, fmt.Println too.
func TestLogsOfParallelTestsAreNotMixed(t *testing.T) {
	root := place(t, map[string]string{"tests/a/a_test.go": `
func TestOne(t *testing.T)   { t.Parallel(); for range 200 { fmt.Println("raw of " + t.Name()); fmt.Fprintln(os.Stderr, "raw of " + t.Name()); t.Log("log of " + t.Name()) } }
func TestTwo(t *testing.T)   { t.Parallel(); for range 200 { fmt.Println("raw of " + t.Name()); fmt.Fprintln(os.Stderr, "raw of " + t.Name()); t.Log("log of " + t.Name()) } }
func TestThree(t *testing.T) { t.Parallel(); for range 200 { fmt.Println("raw of " + t.Name()); fmt.Fprintln(os.Stderr, "raw of " + t.Name()); t.Log("log of " + t.Name()) } }
`})
	s := stage(t, root)
	s.Parallel = 3
	r := run(t, s)
	expect(t, r, pipelines.Pass, map[string]string{"tests/a:TestOne": "passed", "tests/a:TestTwo": "passed", "tests/a:TestThree": "passed"})
	for name, c := range outcomes(r) {
		log, err := os.ReadFile(filepath.Join(s.Out, c.Log))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(log), "raw of "+c.Name); got != 400 {
			t.Errorf("%s: %d of its own 400 lines", name, got)
		}
		for _, other := range []string{"TestOne", "TestTwo", "TestThree"} {
			if other != c.Name && strings.Contains(string(log), other) {
				t.Errorf("the log of %s has what %s said", name, other)
			}
		}
	}
}

// Tests that are not parallel, and those beneath a TestMain, share a process and are
// never beside another; the loggers of Terratest name whose line it is.
func TestTestMainKeepsItsTestsTogether(t *testing.T) {
	root := place(t, map[string]string{"tests/a/a_test.go": `
var up int
func TestMain(m *testing.M) { up++; os.Exit(m.Run()) }
var both sync.WaitGroup
func init() { both.Add(2) }
func line(t *testing.T) { both.Done(); both.Wait(); for range 50 { fmt.Println(t.Name() + " 2026-01-01T00:00:00Z logger.go:66: of " + t.Name()) } }
func TestOne(t *testing.T) { t.Parallel(); line(t) }
func TestTwo(t *testing.T) { t.Parallel(); t.Run("sub", func(t *testing.T) { line(t) }) }
func TestUp(t *testing.T) { if up != 1 { t.Fatal(up) } }
`})
	s := stage(t, root)
	r := run(t, s)
	expect(t, r, pipelines.Pass, map[string]string{"tests/a:TestOne": "passed", "tests/a:TestTwo": "passed", "tests/a:TestUp": "passed"})
	for _, c := range outcomes(r) {
		log, _ := os.ReadFile(filepath.Join(s.Out, c.Log))
		want := 50
		if c.Name == "TestUp" {
			want = 0
		}
		if got := strings.Count(string(log), "of "+c.Name); got != want || strings.Count(string(log), "logger.go") != want {
			t.Errorf("%s: %d lines of its own:\n%s", c.Name, got, log)
		}
	}
}

// The ways in which a process of tests can end without a verdict on all of them.
func TestWhatEndsAProcessIsNoPass(t *testing.T) {
	root := place(t, map[string]string{
		"tests/panics/a_test.go":  "func TestA(t *testing.T) {}\nfunc TestB(t *testing.T) { t.Run(\"x\", func(t *testing.T) { panic(\"boom\") }) }\nfunc TestC(t *testing.T) {}\n",
		"tests/exit0/a_test.go":   "func TestA(t *testing.T) {}\nfunc TestB(t *testing.T) { os.Exit(0) }\nfunc TestC(t *testing.T) {}\n",
		"tests/syscall/a_test.go": "func TestA(t *testing.T) {}\nfunc TestB(t *testing.T) { syscall.Exit(0) }\nfunc TestC(t *testing.T) {}\n",
		"tests/main/a_test.go":    "func TestMain(m *testing.M) { fmt.Println(\"no account today\"); os.Exit(0) }\nfunc TestA(t *testing.T) {}\n",
		"tests/killed/a_test.go":  "func TestA(t *testing.T) { syscall.Kill(syscall.Getpid(), syscall.SIGKILL) }\n",
		"tests/routine/a_test.go": "func TestA(t *testing.T) { go func() { panic(\"elsewhere\") }(); time.Sleep(time.Hour) }\n",
	})
	r := run(t, stage(t, root))
	expect(t, r, pipelines.NotRun, map[string]string{
		"tests/panics:TestA": "passed", "tests/panics:TestB": "failed", "tests/panics:TestC": "not_run",
		"tests/exit0:TestA": "passed", "tests/exit0:TestB": "failed", "tests/exit0:TestC": "not_run",
		"tests/syscall:TestA": "passed", "tests/syscall:TestB": "failed", "tests/syscall:TestC": "not_run",
		"tests/main:TestA": "not_run", "tests/killed:TestA": "failed", "tests/routine:TestA": "failed"})
	all := outcomes(r)
	for name, want := range map[string]string{"tests/panics:TestB": "panic: boom", "tests/exit0:TestB": "unexpected call to os.Exit(0)", "tests/syscall:TestB": "it did not end",
		"tests/main:TestA": "no account today", "tests/routine:TestA": "panic: elsewhere", "tests/panics:TestC": "exit code 1"} {
		if !strings.Contains(all[name].Reason, want) {
			t.Errorf("%s: %s", name, all[name].Reason)
		}
	}
}

func TestAPackageThatDoesNotCompileIsNotRun(t *testing.T) {
	root := place(t, map[string]string{"tests/a/a_test.go": "func TestA(t *testing.T) { undefined() }\nfunc TestB(t *testing.T) {}\n", "tests/b/b_test.go": "func TestA(t *testing.T) {}\n",
		"tests/b/c_test.go": "//go:build account\n\npackage tests\nimport \"testing\"\nfunc TestHidden(t *testing.T) {}\n"})
	r := run(t, stage(t, root))
	expect(t, r, pipelines.NotRun, map[string]string{"tests/a:TestA": "not_run", "tests/a:TestB": "not_run", "tests/b:TestA": "passed"})
	if n := r.Notices; len(n) != 1 || n[0].Path != "tests/b/c_test.go" || n[0].Message != "TestHidden is not declared: a build constraint leaves its file out" {
		t.Errorf("%+v", n)
	}
	f := resultOf(t, r, "tests/a").Findings
	if len(f) != 1 || f[0].Path != "tests/a/a_test.go" || f[0].Line != 5 || f[0].Message != "undefined: undefined" {
		t.Errorf("%+v", f)
	}
}

// The contract with the tests, seen from within one; what is secret of ours is not there.
func TestEnvironmentOfATest(t *testing.T) {
	for _, name := range []string{"GITHUB_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "PENSTOCK_SIGNING_KEY"} {
		t.Setenv(name, "hidden-from-tests")
	}
	t.Setenv("AWS_PROFILE", "sandbox")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2-hunter2")
	t.Setenv("PENSTOCK_RUN", "outer")
	root := place(t, map[string]string{"tests/a/a_test.go": `func TestA(t *testing.T) {
	if os.Getenv("AWS_SECRET_ACCESS_KEY") != "hunter2" + "-hunter2" { t.Fatal("no credentials") }
	fmt.Println(strings.Join(os.Environ(), "\n"))
}`})
	s := stage(t, root)
	s.Mirror, s.TTL = t.TempDir(), time.Hour
	r := run(t, s)
	log, err := os.ReadFile(filepath.Join(s.Out, outcomes(r)["tests/a:TestA"].Log))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(log)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		got[name] = value
	}
	id := got["PENSTOCK_RUN"]
	if len(id) != len("20261121-141500-3f9a2c") || got["TF_VAR_penstock_run"] != id || got["TF_AWS_DEFAULT_TAGS_penstock:run"] != id {
		t.Errorf("the run is %q", id)
	}
	for name, want := range map[string]string{"PENSTOCK_CASE": "tests/a:TestA", "PENSTOCK_STATES": s.States, "AWS_PROFILE": "sandbox", "AWS_SECRET_ACCESS_KEY": "(value of AWS_SECRET_ACCESS_KEY)"} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	for _, name := range []string{"PENSTOCK_TTL", "PENSTOCK_SOFT", "TF_VAR_penstock_ttl", "TF_AWS_DEFAULT_TAGS_penstock:ttl"} {
		at, err := time.Parse(time.RFC3339, got[name])
		if err != nil || time.Until(at) < 20*time.Minute || time.Until(at) > time.Hour {
			t.Errorf("%s is %q", name, got[name])
		}
	}
	if got["TF_CLI_CONFIG_FILE"] == "" || strings.Contains(string(log), "hidden-from-tests") {
		t.Errorf("the environment is\n%s", log)
	}
}

// A catalog in a large repository may use a module beside it.
func TestAModuleBesideTheCatalog(t *testing.T) {
	top := place(t, map[string]string{"go.mod": "module example.invalid/harness\n\ngo 1.24\n", "harness.go": "package harness\n\nconst Name = \"beside\"\n",
		"catalog/go.mod":       "module example.invalid/tests\n\ngo 1.24\n\nrequire example.invalid/harness v0.0.0\n\nreplace (\n\texample.invalid/harness => ../\n\texample.invalid/inner => ./inner\n)\n\nrequire example.invalid/inner v0.0.0\n",
		"catalog/inner/go.mod": "module example.invalid/inner\n\ngo 1.24\n", "catalog/inner/inner.go": "package inner\n\nconst Name = \"inner\"\n",
		"catalog/tests/a/a_test.go": "package a\n\nimport (\n\t\"testing\"\n\n\t\"example.invalid/harness\"\n\t\"example.invalid/inner\"\n)\n\nfunc TestA(t *testing.T) {\n\tif harness.Name != \"beside\" || inner.Name != \"inner\" {\n\t\tt.Fatal()\n\t}\n}\n"})
	r := run(t, stage(t, filepath.Join(top, "catalog")))
	expect(t, r, pipelines.Pass, map[string]string{"tests/a:TestA": "passed"})
}
