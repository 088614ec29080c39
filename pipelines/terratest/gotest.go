package terratest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// goCompile is the command line that compiles the tests of a package, and runs nothing: what
// is declared is read from the files, because a TestMain would have to run for -list.
func goCompile() []string { return []string{"go", "test", "-c", "-o", os.DevNull, "."} }

// goFiles is the command line that tells which files of tests belong to the build.
func goFiles() []string { return []string{"go", "list", "-e", "-json=TestGoFiles,XTestGoFiles", "."} }

// goTest is the command line that runs tests by name.
func goTest(names []string, width int) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = regexp.QuoteMeta(name)
	}
	return []string{"go", "test", "-json", "-count=1", "-timeout=0", "-parallel=" + strconv.Itoa(width),
		"-run=^(" + strings.Join(quoted, "|") + ")$", "."}
}

// declareGo compiles the tests of a unit, in a copy of the catalog, and says which there are.
func (s *session) declareGo(ctx context.Context, unit pipelines.Unit, found *unitCases) error {
	tests, err := testFunctions(filepath.Join(s.Root, filepath.FromSlash(unit.Path)))
	if err != nil || len(tests) == 0 {
		return err
	}
	dir, err := s.copy("build")
	if err != nil {
		return err
	}
	defer s.remove(dir)
	at := filepath.Join(dir, filepath.FromSlash(unit.Path))
	ask := func(argv []string) (process.Output, error) {
		return process.Run(ctx, process.Command{Argv: argv, Dir: at, Env: s.environment(unit.Path, nil)})
	}
	out, err := ask(goFiles())
	if errors.Is(err, exec.ErrNotFound) {
		return &pipelines.Error{Err: err, Hint: "install Go (https://go.dev/doc/install)"}
	}
	var files struct{ TestGoFiles, XTestGoFiles []string }
	if err == nil && json.Unmarshal(out.Stdout, &files) != nil {
		found.doesNotCompile(unit, tests, string(out.Stderr)+string(out.Stdout))
		return nil
	}
	tests = slices.DeleteFunc(tests, func(t testFunction) bool {
		if slices.Contains(files.TestGoFiles, t.place.Path) || slices.Contains(files.XTestGoFiles, t.place.Path) {
			return false
		}
		found.notices = append(found.notices, pipelines.Notice{Path: path.Join(unit.Path, t.place.Path), Line: t.place.Line,
			Message: t.name + " is not declared: a build constraint leaves its file out"})
		return true
	})
	if err == nil && len(tests) > 0 {
		out, err = ask(goCompile())
	}
	if err != nil {
		return err
	}
	if out.Exit != 0 {
		found.doesNotCompile(unit, tests, string(out.Stderr)+string(out.Stdout))
		return nil
	}
	found.groups = append(found.groups, s.goGroups(unit, tests)...)
	return nil
}

// doesNotCompile: none of the cases can be run, and the compiler says why.
func (u *unitCases) doesNotCompile(unit pipelines.Unit, tests []testFunction, said string) {
	reason := "the package does not compile"
	for _, t := range tests {
		if t.name == "TestMain" {
			continue
		}
		u.broken = append(u.broken, pipelines.Case{Name: t.name, Kind: pipelines.CaseGo, Status: pipelines.CaseNotRun, Reason: reason})
	}
	u.reason, u.hint = reason, "run go vet in "+unit.Path
	if strings.Contains(said, "go.mod file not found") {
		u.hint = "name the directory that has go.mod: what is above the catalog is not in the sandbox of its tests"
	}
	place := regexp.MustCompile(`^(?:\./)?([^\s:]+\.go):([0-9]+)(?::([0-9]+))?: (.*)`)
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if m := place.FindStringSubmatch(line); m != nil {
			f := pipelines.Finding{Rule: "compile", Verdict: pipelines.Fail, Message: printable.Text(m[4], 500)}
			f.Path = strings.TrimPrefix(unit.Path+"/"+m[1], "./")
			f.Line, _ = strconv.Atoi(m[2])
			f.Column, _ = strconv.Atoi(m[3])
			u.findings = append(u.findings, f)
		}
	}
	if len(u.findings) == 0 {
		t := tail{}
		_, _ = t.Write([]byte(said))
		u.findings = []pipelines.Finding{{Position: pipelines.Position{Path: unit.Path}, Rule: "compile", Verdict: pipelines.Fail, Message: printable.Text(or(t.line(), "it says nothing"), 1000)}}
	}
}

// goGroups puts tests into processes as their authors think of them: those that do not
// call t.Parallel run in one process, one after the other and beside no other of the
// package; each that does has a process of its own, so that what it prints is its own.
// With a TestMain, which may set up what all of them need, all are in one process.
func (s *session) goGroups(unit pipelines.Unit, tests []testFunction) []group {
	account := s.accountOf(unit.Path)
	one := func(width int, alone bool, cases ...string) group {
		return group{unit: unit, kind: pipelines.CaseGo, account: account, cases: cases, width: width, alone: alone, run: s.runGo(unit)}
	}
	var all, serial, beside []string
	main := false
	for _, t := range tests {
		switch {
		case t.name == "TestMain":
			main = true
			continue
		case t.parallel:
			beside = append(beside, t.name)
		default:
			serial = append(serial, t.name)
		}
		all = append(all, t.name)
	}
	if main && len(all) > 0 {
		return []group{one(max(1, min(len(beside), s.budget.most(account))), true, all...)}
	}
	var groups []group
	if len(serial) > 0 {
		groups = append(groups, one(1, true, serial...))
	}
	for _, name := range beside {
		groups = append(groups, one(1, false, name))
	}
	return groups
}

func (s *session) runGo(unit pipelines.Unit) func(context.Context, attempt) error {
	return func(ctx context.Context, a attempt) error {
		events := newGoEvents(a.record, unit.Path)
		split := &lines{each: events.line}
		out, err := process.Run(ctx, process.Command{Argv: goTest(a.names, a.width), Dir: a.dir, Env: a.env,
			Stdout: split, Stderr: &lines{each: func(line []byte) { a.record.print("", line) }}, Grace: s.grace()})
		split.flush()
		events.close()
		a.record.close(a.names, s.whyEnded(ctx, out.Exit, err))
		return err
	}
}

// whyEnded says why a process is over, as a reason for what it left open.
func (s *session) whyEnded(ctx context.Context, exit int, err error) string {
	switch {
	case errors.Is(context.Cause(ctx), errSoft) && exit < 0:
		return fmt.Sprintf("killed at the hard deadline (%s)", s.hard)
	case errors.Is(context.Cause(ctx), errSoft):
		return fmt.Sprintf("stopped at the soft deadline (%s)", s.soft)
	case ctx.Err() != nil:
		return "interrupted"
	case err != nil:
		return err.Error()
	}
	return ended(exit)
}
