package image

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// readJUnit reads JUnit that the tests wrote into out. Where they wrote none, the exit
// of the command is all that is known, and the report says so.
func readJUnit(name string) func(run) (tests, error) {
	return func(r run) (tests, error) {
		text, err := os.ReadFile(filepath.Join(r.out, name))
		if err != nil {
			return readExit(r)
		}
		cases, err := parseJUnit(text)
		return tests{cases: cases}, err
	}
}

// readExit knows how a command ended, and nothing of its tests.
func readExit(r run) (tests, error) {
	one := testCase{suite: "command", test: "exit", state: passedTest}
	if r.Exit != 0 {
		one.state, one.message = failedTest, tail(r.Output)
	}
	return tests{cases: []testCase{one}, notice: "no JUnit was written: judged by the exit of the command alone"}, nil
}

// pythonCommand takes pytest where it is installed, and unittest of the standard library.
func pythonCommand(ctx context.Context, dir, out string) ([]string, error) {
	has := func(module string) bool {
		found, err := process.Run(ctx, process.Command{Argv: []string{"python3", "-c", "import " + module}, Dir: os.TempDir(), Env: environment("PYTHON*", "VIRTUAL_ENV")})
		return err == nil && found.Exit == 0
	}
	if _, err := exec.LookPath("python3"); err != nil || !has("pytest") {
		return []string{"python3", "-m", "unittest", "discover", "-v"}, nil //nolint:nilerr // that it is absent is said later
	}
	argv := []string{"python3", "-m", "pytest", "--junitxml=" + filepath.Join(out, "junit.xml")}
	if has("pytest_cov") {
		argv = append(argv, "--cov", "--cov-report=xml:"+filepath.Join(out, "coverage.xml"))
	}
	return argv, nil
}

var unittestLine = regexp.MustCompile(`(?m)^(\S+) \(([^)]+)\)(?:\n.*)?? \.\.\. (ok|FAIL|ERROR|skipped.*|expected failure|unexpected success)$`)

func readPython(r run) (tests, error) {
	if isFile(filepath.Join(r.out, "junit.xml")) {
		t, err := readJUnit("junit.xml")(r)
		if isFile(filepath.Join(r.out, "coverage.xml")) {
			t.coverage = "coverage.xml"
		}
		return t, err
	}
	var t tests
	for _, m := range unittestLine.FindAllStringSubmatch(string(r.Stderr), -1) {
		one := testCase{suite: strings.TrimSuffix(m[2], "."+m[1]), test: m[1]}
		switch {
		case m[3] == "ok", m[3] == "expected failure":
			one.state = passedTest
		case strings.HasPrefix(m[3], "skipped"):
			one.state = skippedTest
		default:
			one.state, one.message = failedTest, tail(r.Output)
		}
		t.cases = append(t.cases, one)
	}
	return t, nil
}

var rustLine = regexp.MustCompile(`(?m)^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored.*)$`)

func readRust(r run) (tests, error) {
	t := tests{notice: "cargo test measures no coverage"}
	for _, m := range rustLine.FindAllStringSubmatch(string(r.Stdout), -1) {
		one := testCase{suite: "rust", test: m[1], state: skippedTest}
		switch m[2] {
		case "ok":
			one.state = passedTest
		case "FAILED":
			one.state, one.message = failedTest, section(string(r.Stdout), "---- "+m[1]+" stdout ----")
		}
		t.cases = append(t.cases, one)
	}
	return t, nil
}

// section is the text behind a heading, up to the blank line.
func section(text, heading string) string {
	_, after, _ := strings.Cut(text, heading)
	before, _, _ := strings.Cut(strings.TrimSpace(after), "\n\n")
	return before
}

// readJVM reads the JUnit files beneath directories of a name, of every module, that
// this run wrote: what an earlier one left proves nothing.
func readJVM(results, coverage string) func(run) (tests, error) {
	return func(r run) (tests, error) {
		var t tests
		err := filepath.WalkDir(r.dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err != nil || !info.Mode().IsRegular() || info.ModTime().Before(r.started.Truncate(1e9)) {
				return err
			}
			slashed := filepath.ToSlash(name)
			switch {
			case strings.Contains(slashed, "/"+results+"/") && strings.HasPrefix(entry.Name(), "TEST-") && strings.HasSuffix(slashed, ".xml"):
				text, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				cases, err := parseJUnit(text)
				if err != nil {
					return fmt.Errorf("%s: %w", slashed, err)
				}
				t.cases = append(t.cases, cases...)
			case strings.HasSuffix(slashed, "/"+coverage):
				text, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				t.coverage = "coverage.xml"                                        // of the last module; each has its own beside it
				return os.WriteFile(filepath.Join(r.out, t.coverage), text, 0o644) //nolint:gosec // no secret
			}
			return nil
		})
		return t, err
	}
}
