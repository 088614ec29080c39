package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// unpack writes a txtar archive into a new directory.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const goGood = `
-- go.mod --
module example.com/x

go 1.26
-- x.go --
package x

func Add(a, b int) int { return a + b }
-- x_test.go --
package x

import "testing"

func TestAdd(t *testing.T) {
	if Add(1, 1) != 2 {
		t.Fatal("one and one")
	}
}

func TestLater(t *testing.T) { t.Skip("later") }
`

const goBad = goGood + `
-- y_test.go --
package x

import "testing"

func TestBad(t *testing.T) { t.Error("this is bad") }
`

// Every language whose program is on this machine runs for real.
func TestLanguages(t *testing.T) {
	cases := map[string]struct {
		program, files string
		want           pipelines.Verdict
		tests          int
		said           string // in the first finding, or in the reason
		coverage       string
	}{
		"go":                 {"go", goGood, pipelines.Pass, 2, "", coverageGo},
		"go, a failure":      {"go", goBad, pipelines.Fail, 3, "this is bad", coverageGo},
		"go, does not build": {"go", goGood + "-- z.go --\npackage x\n\nfunc f() { undefined() }\n", pipelines.Fail, -1, "undefined", ""},
		"go, no test":        {"go", "-- go.mod --\nmodule example.com/x\n\ngo 1.26\n-- x.go --\npackage x\n", pipelines.NotRun, 0, "no test ran", ""},
		"go, broken module":  {"go", "-- go.mod --\nmodul x\n", pipelines.Fail, 0, "names no test that failed", ""},
		"node":               {"npm", "-- package.json --\n{\"scripts\":{\"test\":\"node --test\"}}\n-- x.test.js --\nrequire('node:test')('adds', () => {})\n", pipelines.Pass, 1, "", ""},
		"node, a failure":    {"npm", "-- package.json --\n{\"scripts\":{\"test\":\"node --test\"}}\n-- x.test.js --\nrequire('node:test')('adds', () => { throw new Error('this is bad') })\n", pipelines.Fail, 1, "this is bad", ""},
		"node, no script":    {"npm", "-- package.json --\n{}\n", pipelines.Fail, 1, "Missing script", ""},
		"python":             {"python3", "-- setup.py --\n-- test_x.py --\nimport unittest\nclass X(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(1 + 1, 2)\n", pipelines.Pass, 1, "", ""},
		"python, a failure":  {"python3", "-- setup.py --\n-- test_x.py --\nimport unittest\nclass X(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(1 + 1, 3, 'this is bad')\n", pipelines.Fail, 1, "this is bad", ""},
		"python, no test":    {"python3", "-- setup.py --\n", pipelines.NotRun, 0, "no test ran", ""},
		"rust":               {"cargo", "-- Cargo.toml --\n[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2021\"\n-- src/lib.rs --\n#[test] fn adds() {}\n#[test] #[ignore] fn later() {}\n", pipelines.Pass, 2, "", ""},
		"rust, a failure":    {"cargo", "-- Cargo.toml --\n[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2021\"\n-- src/lib.rs --\n#[test] fn bad() { panic!(\"this is bad\") }\n", pipelines.Fail, 1, "this is bad", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(c.program); err != nil {
				t.Skipf("SKIPPED: %s is not on PATH", c.program)
			}
			out := t.TempDir()
			r, err := CompileTest{Dir: unpack(t, c.files), Out: out}.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := r.Results[0]
			if r.Verdict != c.want || c.tests >= 0 && got.Judged["tests"] != c.tests {
				t.Errorf("%s of %d tests, want %s of %d: %+v", r.Verdict, got.Judged["tests"], c.want, c.tests, got)
			}
			said := got.Reason
			if len(got.Findings) > 0 {
				said = got.Findings[0].Message
			}
			if !strings.Contains(said, c.said) {
				t.Errorf("said %q, want %q in it", said, c.said)
			}
			text, err := os.ReadFile(filepath.Join(out, "junit.xml"))
			if err != nil {
				t.Fatal(err)
			}
			if again, err := parseJUnit(text); err != nil || len(again) != got.Judged["tests"] {
				t.Errorf("junit.xml holds %d tests, %v", len(again), err)
			}
			if c.coverage != "" && !isFile(filepath.Join(out, c.coverage)) {
				t.Errorf("there is no %s", c.coverage)
			}
		})
	}
}

func TestDetect(t *testing.T) {
	if !slices.Equal(Languages(), config.ImageLanguages) {
		t.Errorf("penstock.yaml takes %v", config.ImageLanguages)
	}
	cases := map[string]struct{ files, named, want, err string }{
		"nothing":               {"-- README.md --\n", "", "", "no language was detected"},
		"two":                   {"-- go.mod --\n-- package.json --\n", "", "", "more than one language was detected: go, node"},
		"two, and named":        {"-- go.mod --\n-- package.json --\n", "node", "node", ""},
		"misspelt":              {"-- go.mod --\n", "golang", "", "there is no language \"golang\""},
		"a stage test":          {"-- Dockerfile --\nFROM golang:1.26 AS build\nFROM build as Test\nRUN go test ./...\n", "", "dockerfile", ""},
		"a stage of other name": {"-- Dockerfile --\nFROM golang:1.26 AS tests\n", "", "", "no stage named test"},
		"a language before it":  {"-- go.mod --\n-- Dockerfile --\nFROM x AS test\n", "", "go", ""},
		"maven":                 {"-- pom.xml --\n", "", "maven", ""},
		"gradle":                {"-- build.gradle.kts --\n", "", "gradle", ""},
		"python":                {"-- requirements.txt --\n", "", "python", ""},
	}
	for name, c := range cases {
		got, err := detect(unpack(t, c.files), c.named)
		if got.name != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v", name, got.name, err)
		}
	}
}

func TestWhatIsAbsentIsNotRun(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, files := range []string{goGood, "-- pom.xml --\n", "-- Cargo.toml --\n", "-- package.json --\n", "-- setup.py --\n", "-- build.gradle --\n", "-- Dockerfile --\nFROM x AS test\n", "-- x --\n"} {
		r, err := CompileTest{Dir: unpack(t, files)}.Run(t.Context())
		if err != nil || r.Verdict != pipelines.NotRun || r.Results[0].Hint == "" {
			t.Errorf("%.20s: %v, %+v", files, err, r)
		}
	}
}

// Surefire's files, as Maven wrote them elsewhere: Maven itself cannot run here, since it fetches its plugins.
func TestJVMReadsWhatThisRunWrote(t *testing.T) {
	dir := unpack(t, `
-- pom.xml --
-- mvnw --
#!/bin/sh
mkdir -p a/target/surefire-reports a/target/site/jacoco
cat > a/target/surefire-reports/TEST-x.xml <<X
<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="x.XTest" tests="3" errors="1" skipped="1" failures="0">
  <testcase name="adds" classname="x.XTest" time="0.01"/>
  <testcase name="later" classname="x.XTest" time="0"><skipped/></testcase>
  <testcase name="bad" classname="x.XTest" time="0.1"><error message="this is bad" type="E">at x</error></testcase>
</testsuite>
X
echo '<report/>' > a/target/site/jacoco/jacoco.xml
exit 1
-- b/target/surefire-reports/TEST-old.xml --
<testsuite name="old"><testcase name="old" classname="old"/></testsuite>
`)
	old := filepath.Join(dir, "b/target/surefire-reports/TEST-old.xml")
	if err := os.Chtimes(old, labels.Created, labels.Created); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	r, err := CompileTest{Dir: dir, Out: out}.Run(t.Context())
	if err != nil || r.Verdict != pipelines.Fail || r.Results[0].Judged["tests"] != 3 || r.Results[0].Judged["skipped"] != 1 || len(r.Results[0].Findings) != 1 {
		t.Errorf("%v, %+v", err, r)
	}
	if !isFile(filepath.Join(out, "coverage.xml")) {
		t.Error("there is no coverage")
	}
}

// The code of a pull request gets no secret of whoever runs its tests.
func TestTestsSeeNoSecret(t *testing.T) {
	for name, value := range map[string]string{"GITHUB_TOKEN": "s3cret1", "AWS_SECRET_ACCESS_KEY": "s3cret2", "GO_PRIVATE_TOKEN": "s3cret3", "GOFLAGS": "", "DB_URL": "s3cret4"} {
		t.Setenv(name, value)
	}
	out := t.TempDir()
	r, err := CompileTest{Out: out, Dir: unpack(t, `
-- go.mod --
module example.com/x

go 1.26
-- x_test.go --
package x

import (
	"os"
	"strings"
	"testing"
)

func TestEnv(t *testing.T) {
	for _, pair := range os.Environ() {
		if strings.Contains(pair, "s3cret") {
			t.Error(pair)
		}
	}
}
`)}.Run(t.Context())
	if err != nil || r.Verdict != pipelines.Pass {
		t.Errorf("%v, %+v", err, r)
	}
}
