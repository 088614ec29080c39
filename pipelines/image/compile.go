package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// TestStage is the name of the stage that compiles and tests.
const TestStage = "compile-test"

// CompileTest compiles a service and runs its tests with the command of its own language.
type CompileTest struct {
	// Dir is the service's directory.
	Dir string
	// Language is one of Languages. Default: what is detected.
	Language string
	// Out receives junit.xml and coverage. Default: they are not kept.
	Out string
	// Progress hears when it starts and ends. Default: nobody listens.
	Progress func(pipelines.Event)
}

// run is what a language is told and what it leaves.
type run struct {
	dir, out string
	started  time.Time
	process.Output
}

// tests is what a run came to.
type tests struct {
	cases []testCase
	// coverage is the name of the file in out, or "".
	coverage string
	// notice is what the reader should know.
	notice string
}

// Run tests. What was not detected, or whose program is absent, is not run.
func (c CompileTest) Run(ctx context.Context) (*pipelines.Report, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, err
	}
	out := c.Out
	if out == "" {
		if out, err = os.MkdirTemp("", "penstock-test-"); err != nil {
			return nil, err
		}
		defer os.RemoveAll(out)
	} else if out, err = filepath.Abs(out); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(out, 0o755); err != nil { //nolint:gosec // a report is no secret
		return nil, fmt.Errorf("making the directory of the tests' results: %w", err)
	}
	var notices []pipelines.Notice
	scope := pipelines.Scope{Root: dir, Progress: c.Progress, Selection: pipelines.Selection{All: true, Total: 1, Units: []pipelines.Unit{{Path: ".", Kind: pipelines.Test}}}}
	report := scope.Each(ctx, TestStage, func(ctx context.Context, _ pipelines.Unit) pipelines.Result {
		result, said := c.test(ctx, dir, out)
		notices = said
		return result
	})
	report.Notices = notices
	return report, nil
}

func (c CompileTest) test(ctx context.Context, dir, out string) (pipelines.Result, []pipelines.Notice) {
	l, err := detect(dir, c.Language)
	if err != nil {
		return pipelines.NotRunBecause(err), nil
	}
	argv, err := l.command(ctx, dir, out)
	if err != nil {
		return pipelines.NotRunBecause(err), nil
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		return pipelines.NotRunBecause(&pipelines.Error{Err: fmt.Errorf("testing with %s: %q is not on PATH", l.name, argv[0]),
			Hint: "install it, or run it in a container: dagger call compile-test"}), nil
	}
	r := run{dir: dir, out: out, started: time.Now()}
	junit := filepath.Join(out, "junit.xml")
	if err := os.Remove(junit); err != nil && !errors.Is(err, os.ErrNotExist) { // what an earlier run left proves nothing
		return pipelines.NotRunBecause(err), nil
	}
	if r.Output, err = process.Run(ctx, process.Command{Argv: argv, Dir: dir, Env: append(environment(l.variables...), l.extra(out)...)}); err != nil {
		return pipelines.NotRunBecause(err), nil
	}
	found, err := l.read(r)
	if err != nil {
		return pipelines.NotRunBecause(fmt.Errorf("reading what %s left: %w", strings.Join(argv[:min(2, len(argv))], " "), err)), nil
	}
	result := judgeTests(strings.Join(argv, " "), r.Output, found)
	if err := writeJUnit(junit, l.name, found.cases); err != nil {
		return pipelines.NotRunBecause(err), nil
	}
	notices := []pipelines.Notice{{Message: "ran " + strings.Join(argv, " ")}}
	if found.notice != "" {
		notices = append(notices, pipelines.Notice{Message: found.notice})
	}
	return result, notices
}

// judgeTests says what a run of tests came to: each test that failed is a finding, and
// a command that failed without one is a finding itself. No test at all is no pass.
func judgeTests(command string, out process.Output, found tests) pipelines.Result {
	result := pipelines.Result{Judged: map[string]int{"tests": len(found.cases)}}
	for _, c := range found.cases {
		switch c.state {
		case failedTest:
			result.Findings = append(result.Findings, pipelines.Finding{Rule: "test", Verdict: pipelines.Fail, Resource: c.name(), Message: c.told()})
		case skippedTest:
			result.Judged["skipped"]++
		}
	}
	if out.Exit != 0 && len(result.Findings) == 0 {
		result.Findings = append(result.Findings, pipelines.Finding{Rule: "command", Verdict: pipelines.Fail,
			Message: fmt.Sprintf("it exits with %d and names no test that failed: %s", out.Exit, tail(out)), Hint: command})
	}
	if out.Exit == 0 && len(found.cases) == result.Judged["skipped"] {
		result.Verdict, result.Reason, result.Hint = pipelines.NotRun, "no test ran", "write one: what nothing tests is not known to work"
	}
	return result
}
