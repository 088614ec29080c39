package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// sarifOf is what trivy prints of one vulnerability of a score.
func sarifOf(properties, result string) string {
	return `{"version":"2.1.0","$schema":"https://json.schemastore.org/sarif-2.1.0.json","runs":[{"tool":{"driver":{"name":"Trivy","rules":[{"id":"CVE-2026-1","properties":{` + properties + `}}]}},
"results":[{"ruleId":"CVE-2026-1","message":{"text":"Package: openssl"}` + result + `}]}]}`
}

func TestJudgeScan(t *testing.T) {
	cases := map[string]struct {
		text     string
		want     pipelines.Verdict
		severity pipelines.Severity
	}{
		"critical":                     {sarifOf(`"security-severity":"9.8"`, ""), pipelines.Fail, pipelines.Critical},
		"high":                         {sarifOf(`"security-severity":"7.0"`, ""), pipelines.Fail, pipelines.High},
		"medium":                       {sarifOf(`"security-severity":"6.9"`, ""), pipelines.Pass, ""},
		"the score outranks the level": {sarifOf(`"security-severity":"2"`, `,"level":"error"`), pipelines.Pass, ""},
		"by level":                     {sarifOf("", `,"level":"error"`), pipelines.Fail, pipelines.High},
		"a warning":                    {sarifOf("", `,"level":"warning"`), pipelines.Pass, ""},
		"nothing said":                 {sarifOf("", ""), pipelines.Unknown, ""},
		"not a number":                 {sarifOf(`"security-severity":"NaN"`, `,"level":"note"`), pipelines.Unknown, ""},
		"no results":                   {`{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[]}]}`, pipelines.Pass, ""},
		"no runs":                      {`{"version":"2.1.0","runs":[]}`, pipelines.NotRun, ""},
		"not SARIF":                    {`oops`, pipelines.NotRun, ""},
		"cut short":                    {sarifOf("", "")[:100], pipelines.NotRun, ""},
		"it did not succeed":           {`{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"invocations":[{"executionSuccessful":false}],"results":[]}]}`, pipelines.NotRun, ""},
	}
	for name, c := range cases {
		r := pipelines.Report{Stages: []string{"x"}, Selection: pipelines.Selection{Total: 1}, Results: []pipelines.Result{judgeScan([]byte(c.text), pipelines.High)}}
		if r.Close(); r.Verdict != c.want {
			t.Errorf("%s: %s, want %s: %+v", name, r.Verdict, c.want, r.Results[0])
		} else if f := r.Results[0].Findings; len(f) > 0 && f[0].Severity != c.severity {
			t.Errorf("%s: severity %q", name, f[0].Severity)
		}
	}
}

func TestScan(t *testing.T) {
	layout := built(t, nil).Layout
	found := filepath.Join(t.TempDir(), "found.sarif")
	if err := os.WriteFile(found, []byte(sarifOf(`"security-severity":"9.8"`, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(s Scan) *pipelines.Report {
		t.Helper()
		s.Image = layout
		r, err := s.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	stub(t, "trivy", `case "$*" in *"--input `+layout+`"*) cat `+found+`;; esac`)
	if r := run(Scan{}); r.Verdict != pipelines.Fail || len(r.Results[0].Findings) != 1 {
		t.Errorf("trivy of PATH: %+v", r)
	}
	stub(t, "other", "")
	if r := run(Scan{}); r.Verdict != pipelines.NotRun || !strings.Contains(r.Results[0].Hint, "install one") {
		t.Errorf("no scanner: %+v", r)
	}
	if r := run(Scan{Command: []string{"cat", found, "{image}/oci-layout"}}); r.Verdict != pipelines.NotRun { // two JSON values are no SARIF
		t.Errorf("more than SARIF: %+v", r)
	}
	if r := run(Scan{Command: []string{"sh", "-c", "test -d {image} && cat " + found}}); r.Verdict != pipelines.Fail {
		t.Errorf("a command of the caller: %+v", r)
	}
	if r := run(Scan{Command: []string{"cat", found}}); r.Verdict != pipelines.NotRun {
		t.Errorf("a command that is not told of the image: %+v", r)
	}
	if r := run(Scan{Command: []string{"sh", "-c", "echo broken {image} >&2; exit 2"}}); r.Verdict != pipelines.NotRun || !strings.Contains(r.Results[0].Reason, "broken") {
		t.Errorf("a scanner that breaks: %+v", r)
	}
	if _, err := (Scan{Image: layout, FailOn: "terrible"}).Run(t.Context()); err == nil {
		t.Error("a severity that there is not")
	}
}
