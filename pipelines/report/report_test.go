package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/sethvargo/go-githubactions"

	"github.com/penstock-dev/penstock/pipelines"
)

var update = flag.Bool("update", false, "rewrite the golden files and schemas")

// sample has every verdict, and names that strangers chose.
func sample() *pipelines.Report {
	hostile := "modules/a\x1b[31m\n|`<b>@all"
	units := []pipelines.Unit{{Path: "examples/eks", Kind: pipelines.Example, Why: []string{"examples/eks", "modules/vpc/main.tf changed"}},
		{Path: hostile, Kind: pipelines.Module}, {Path: "modules/vpc", Kind: pipelines.Module}}
	r := &pipelines.Report{Stages: []string{"terraform-fmt", "compliance"},
		Selection: pipelines.Selection{Schema: pipelines.SelectionSchema, Base: strings.Repeat("ab", 20), Total: 9, Units: units},
		Skipped:   []pipelines.Skip{{Stage: "tflint", Reason: "left out by name"}},
		Notices:   []pipelines.Notice{{Path: "penstock.yaml", Line: 3, Message: "this change edits compliance.settings"}},
		Tools:     []pipelines.Tool{{Name: "opa", Version: "1.2.3"}}}
	add := func(stage, unit string, result pipelines.Result) {
		result.Stage, result.Unit = stage, unit
		r.Results = append(r.Results, result)
	}
	add("terraform-fmt", "examples/eks", pipelines.Result{Verdict: pipelines.Pass})
	add("terraform-fmt", hostile, pipelines.Result{Verdict: pipelines.NotRun, Reason: "terraform is not on PATH", Hint: "install terraform"})
	add("terraform-fmt", "modules/vpc", pipelines.Result{Verdict: pipelines.Pass})
	add("compliance", "examples/eks", pipelines.Result{Why: units[0].Why, Findings: []pipelines.Finding{
		{Position: pipelines.Position{Path: "modules/vpc/main.tf", Line: 3, Column: 5}, Rule: "open-ports", Verdict: pipelines.Fail,
			Severity: pipelines.Critical, Resource: "module.vpc.aws_security_group.x", Message: "port 22 is open", Hint: "name the ranges"},
		{Position: pipelines.Position{Path: "modules/vpc/main.tf", Line: 9}, Rule: "kms-rotation", Verdict: pipelines.Unknown,
			Severity: pipelines.Medium, Resource: "aws_kms_key.k", Message: "var.rotate has no value"}}})
	add("compliance", "modules/vpc", pipelines.Result{Findings: []pipelines.Finding{{Position: pipelines.Position{Path: "modules/vpc/main.tf", Line: 3},
		Rule: "open-ports", Verdict: pipelines.Waived, Severity: pipelines.Critical, Message: "port 22 is open",
		Waiver: &pipelines.Waiver{Owner: "net", Reason: "moves", Expires: "2027-01-31"}}}})
	r.Close() // compliance of the hostile unit has no result: not run
	return r
}

func TestGolden(t *testing.T) {
	for _, format := range []string{"text", "junit", "sarif", "markdown"} {
		t.Run(format, func(t *testing.T) {
			var b bytes.Buffer
			if err := Write(&b, sample(), format, Options{}); err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b.Bytes(), []byte("\x1b")) {
				t.Error("an escape of a stranger's name came through")
			}
			golden(t, filepath.Join("testdata", files[format]), b.Bytes())
		})
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: go test ./pipelines/report -update, then read the diff\n%s", path, got)
	}
}

func TestSchemaIsThatOfTheTypesAndHoldsTheReport(t *testing.T) {
	schema, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../../schemas/report.schema.json", schema)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("report.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := JSON(&b, sample()); err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(instance); err != nil {
		t.Error(err)
	}
	broken := map[string]any{"schema": pipelines.ReportSchema}
	if compiled.Validate(broken) == nil {
		t.Error("a report without verdict is let through")
	}
}

func TestSARIFHoldsItsSchema(t *testing.T) {
	var b bytes.Buffer
	if err := SARIF(&b, sample()); err != nil {
		t.Fatal(err)
	}
	parsed, err := sarif.FromBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.Validate(); err != nil {
		t.Error(err)
	}
	if n := len(parsed.Runs[0].Results); n != 5 {
		t.Errorf("%d results, want 5: two not run, fail, unknown, waived", n)
	}
}

func TestJUnitIsXML(t *testing.T) {
	var b bytes.Buffer
	if err := JUnit(&b, sample()); err != nil {
		t.Fatal(err)
	}
	var suites junitSuites
	if err := xml.Unmarshal(b.Bytes(), &suites); err != nil {
		t.Fatal(err)
	}
	if suites.Tests != 7 || suites.Failures != 1 || suites.Errors != 2 {
		t.Errorf("tests %d, failures %d, errors %d", suites.Tests, suites.Failures, suites.Errors)
	}
}

func TestReadDrawsTheVerdictAnew(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, sample()); err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(b.String(), `"verdict": "not_run"`, `"verdict": "pass"`, 1)
	r, err := Read(strings.NewReader(forged))
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != pipelines.NotRun {
		t.Errorf("a forged verdict was believed: %s", r.Verdict)
	}
	for _, bad := range []string{"", "{", `{"schema":"penstock.report/v2"}`, `{"schema":"penstock.report/v1","extra":1}`} {
		if _, err := Read(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read as a report", bad)
		}
	}
}

func TestMarkdownStaysWithinItsLimit(t *testing.T) {
	r := sample()
	for range 500 {
		r.Results[0].Findings = append(r.Results[0].Findings, pipelines.Finding{Rule: "r", Verdict: pipelines.Fail, Message: strings.Repeat("ü", 1500)})
	}
	r.Close()
	for _, limit := range []int{3000, CommentLimit} {
		var b bytes.Buffer
		if err := Markdown(&b, r, limit); err != nil {
			t.Fatal(err)
		}
		if n := utf8.RuneCount(b.Bytes()); n > limit || !utf8.Valid(b.Bytes()) {
			t.Errorf("%d characters, limit %d", n, limit)
		}
		if opened, closed := strings.Count(b.String(), "<details>"), strings.Count(b.String(), "</details>"); opened != closed {
			t.Errorf("%d details opened, %d closed", opened, closed)
		}
		if !strings.Contains(b.String(), "more") {
			t.Error("it does not say what was left out")
		}
	}
}

func TestMergeProvesCompleteness(t *testing.T) {
	whole := sample()
	part := sample()
	part.Results = part.Results[:1]
	merged, err := Merge(whole.Selection, []string{"terraform-fmt", "compliance"}, part)
	if err != nil {
		t.Fatal(err)
	}
	if len(merged.Results) != 6 || merged.Verdict != pipelines.NotRun {
		t.Errorf("%d results, %s", len(merged.Results), merged.Verdict)
	}
	other := sample()
	other.Selection.Base = strings.Repeat("cd", 20)
	if _, err := Merge(whole.Selection, whole.Stages, other); err == nil {
		t.Error("a report on another selection was joined")
	}
	if _, err := Merge(whole.Selection, []string{"compliance"}, whole); err == nil {
		t.Error("a stage that was not declared was joined")
	}
}

func TestGitHubWritesTheWorstFirst(t *testing.T) {
	summary := filepath.Join(t.TempDir(), "summary")
	var b bytes.Buffer
	action := githubactions.New(githubactions.WithWriter(&b), githubactions.WithGetenv(func(key string) string {
		return map[string]string{"GITHUB_STEP_SUMMARY": summary}[key]
	}))
	r := sample()
	for range 30 {
		r.Results[0].Findings = append(r.Results[0].Findings, pipelines.Finding{Rule: "r", Verdict: pipelines.Fail, Severity: pipelines.Low, Message: "m"})
	}
	r.Close()
	if err := GitHub(action, r); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "::error"); n != annotations {
		t.Errorf("%d errors, GitHub shows %d", n, annotations)
	}
	first, _, _ := strings.Cut(b.String(), "\n")
	if !strings.Contains(first, "port 22 is open") {
		t.Errorf("the first is %s", first)
	}
	if text, err := os.ReadFile(summary); err != nil || !strings.Contains(string(text), "Penstock: not run") {
		t.Errorf("the summary is %q, %v", text, err)
	}
}

func TestExportWritesEveryFormat(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "report")
	if err := Export(dir, sample()); err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil || !json.Valid(text) {
		t.Errorf("report.json: %v", err)
	}
	if err := Export("/dev/null/x", sample()); err == nil {
		t.Error("a directory that cannot be made is no error")
	}
}
