package tflint

import (
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

func TestArgv(t *testing.T) {
	if got, want := strings.Join(lintArgv("tflint", "a/b", "/t/c.hcl"), " "), "tflint --chdir=a/b --config=/t/c.hcl --format=json --no-color"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := strings.Join(initArgv("tflint", "/t/c.hcl"), " "), "tflint --init --config=/t/c.hcl --no-color"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The outputs were recorded from tflint 0.64.0.
func TestJudge(t *testing.T) {
	const issue = `{"rule":{"name":"terraform_unused_declarations","severity":"SEVERITY","link":"https://example.invalid/rule"},` +
		`"message":"variable \"unused\" is declared but not used","range":{"filename":"unit/main.tf","start":{"line":1,"column":1},"end":{"line":1,"column":18}},"callers":[],"fixable":true,"fixed":false}`
	issues := func(severity string) string {
		return `{"issues":[` + strings.Replace(issue, "SEVERITY", severity, 1) + `],"errors":[]}`
	}
	for name, c := range map[string]struct {
		out      process.Output
		verdict  pipelines.Verdict
		severity pipelines.Severity
		reason   string
	}{
		"clean":            {process.Output{Stdout: []byte(`{"issues":[],"errors":[]}`)}, "", "", ""},
		"error":            {process.Output{Stdout: []byte(issues("error")), Exit: 2}, "", pipelines.High, ""},
		"warning":          {process.Output{Stdout: []byte(issues("warning")), Exit: 2}, "", pipelines.Medium, ""},
		"notice":           {process.Output{Stdout: []byte(issues("info")), Exit: 2}, "", pipelines.Low, ""},
		"forced":           {process.Output{Stdout: []byte(issues("error")), Exit: 0}, "", pipelines.High, ""},
		"issue and exit 1": {process.Output{Stdout: []byte(issues("error")), Exit: 1}, pipelines.NotRun, "", "contradicts"},
		"nothing and 2":    {process.Output{Stdout: []byte(`{"issues":[],"errors":[]}`), Exit: 2}, pipelines.NotRun, "", "contradicts"},
		"killed":           {process.Output{Exit: -1}, pipelines.NotRun, "", "reading what tflint printed"},
		"no JSON":          {process.Output{Stdout: []byte("panic"), Stderr: []byte("goroutine 1\x1b[1m"), Exit: 2}, pipelines.NotRun, "", `exit 2: goroutine 1\x1b[1m`},
		"truncated":        {process.Output{Stdout: []byte(`{"issues":[`), Exit: 2}, pipelines.NotRun, "", "reading"},
		"broken HCL": {process.Output{Stdout: []byte(`{"issues":[],"errors":[{"summary":"Invalid expression","message":"Expected the start.","severity":"error","range":{"filename":"unit/b.tf","start":{"line":1,"column":5},"end":{"line":2,"column":1}}}]}`), Exit: 1},
			pipelines.NotRun, "", "unit/b.tf:1:5: Invalid expression: Expected the start."},
		"plugin": {process.Output{Stdout: []byte(`{"issues":[],"errors":[{"message":"Failed to initialize plugins; Plugin \"aws\" not found. Did you run \"tflint --init\"?","severity":"error"}]}`), Exit: 1},
			pipelines.NotRun, "", `Plugin "aws" not found`},
	} {
		got := judge("unit", c.out)
		if got.Verdict != c.verdict || !strings.Contains(got.Reason, c.reason) || (c.severity != "") != (len(got.Findings) == 1) {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		if c.severity == "" {
			continue
		}
		f := got.Findings[0]
		if f.Severity != c.severity || f.Verdict != pipelines.Fail || f.Path != "unit/main.tf" || f.Line != 1 || f.EndColumn != 18 || f.Rule != "terraform_unused_declarations" {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if !missingPlugin(judge("unit", process.Output{Exit: 1, Stdout: []byte(`{"errors":[{"message":"Plugin \"aws\" not found. Did you run \"tflint --init\"?"}]}`)})) {
		t.Error("a missing plugin is not seen")
	}
}

func TestPositionStaysInTheRoot(t *testing.T) {
	for in, want := range map[string]string{"unit/a.tf": "unit/a.tf", "../x.tf": "unit", "/etc/passwd": "unit", "": "unit", "unit/../b/x.tf": "b/x.tf"} {
		if got := position("unit", place{Filename: in}).Path; got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
