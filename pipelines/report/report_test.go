package report

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/markdown"
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
			golden(t, filepath.Join("testdata", files[format]), render(t, format, sample()))
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

func render(t *testing.T, format string, r *pipelines.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, format, Options{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A stranger names a file or writes a message; no renderer shows it raw.
func TestNothingIsShownRaw(t *testing.T) {
	r := sample()
	evil := "::error::x\x1b]8;;http://evil\a\u009b31m\u202e\U000e0001\xff##[add-mask]\r\n::stop-commands::t"
	r.Selection.Units[0].Why = []string{evil, evil}
	r.Skipped[0].Reason, r.Notices[0].Message, r.Notices[0].Path = evil, evil, evil
	for i := range r.Results {
		result := &r.Results[i]
		result.Reason, result.Hint, result.Why = evil, evil, []string{evil, evil}
		for j := range result.Findings {
			f := &result.Findings[j]
			f.Path, f.Message, f.Rule, f.Resource, f.Hint = evil, evil, evil, evil, evil
			if f.Waiver != nil {
				f.Waiver = &pipelines.Waiver{Owner: evil, Reason: evil, Expires: evil}
			}
		}
	}
	for _, format := range Formats {
		shown := string(render(t, format, r))
		if i := strings.IndexFunc(shown, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) && r != '\ufe0f' }); i >= 0 {
			t.Errorf("%s shows %q raw, within %q", format, shown[i:i+4], shown[max(0, i-60):i+4])
		}
		for line := range strings.Lines(shown) {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
				t.Errorf("%s has a line that GitHub's runner obeys: %q", format, line)
			}
		}
	}
}

func TestPrintableKeepsBothEnds(t *testing.T) {
	got := Printable("Begin " + strings.Repeat("x", 10_000) + "\nthe end is where the error stands")
	if n := utf8.RuneCountInString(got); n > markdown.Longest+10 || !strings.HasPrefix(got, "Begin ") || !strings.HasSuffix(got, " the end is where the error stands") {
		t.Errorf("%d characters: %.40s ... %s", n, got, got[len(got)-40:])
	}
	if s := strings.Repeat("ü", markdown.Longest); Printable(s) != s {
		t.Error("what just fits was cut")
	}
}

// One tool that is missing is said once, not for each of a hundred units.
func TestTextSaysTheSameOnce(t *testing.T) {
	r := &pipelines.Report{Stages: []string{"tflint"}}
	for i := range 12 {
		unit := fmt.Sprintf("modules/m%02d", i)
		r.Selection.Units = append(r.Selection.Units, pipelines.Unit{Path: unit})
		r.Results = append(r.Results, pipelines.Result{Stage: "tflint", Unit: unit, Verdict: pipelines.NotRun, Reason: "tflint is not on PATH", Hint: "get it"})
	}
	r.Selection.Total = 12
	r.Close()
	want := `not run: 12 of 12 units judged, 0.0 s
  tflint             12 not run

not run tflint: 12 units
  tflint is not on PATH
  hint: get it
  modules/m00, modules/m01, modules/m02, modules/m03, modules/m04, modules/m05, modules/m06, modules/m07, modules/m08, modules/m09, and 2 more
`
	if got := string(render(t, "text", r)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestColorIsOnlyAdded(t *testing.T) {
	var b bytes.Buffer
	if err := Text(&b, sample(), Options{Color: true}); err != nil {
		t.Fatal(err)
	}
	plain := regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(b.String(), "")
	if plain == b.String() || plain != string(render(t, "text", sample())) {
		t.Errorf("without its colours it reads\n%s", plain)
	}
}

func TestHeadline(t *testing.T) {
	unit := []pipelines.Unit{{Path: "a"}}
	for want, s := range map[string]pipelines.Selection{
		"there is no unit to judge":                      {},
		"there is nothing":                               {Reason: "there is nothing"},
		"0 of 3 units judged: nothing changed":           {Total: 3, Reason: "nothing changed"},
		"0 of 3 units judged: none was selected":         {Total: 3},
		"1 of 3 units touched since 0123456789ab, 0.0 s": {Total: 3, Units: unit, Base: "0123456789abcdef"},
		"1 of 1 units judged, 0.0 s":                     {Total: 1, Units: unit, Base: "0123456789abcdef", All: true},
	} {
		if got := Headline(&pipelines.Report{Selection: s}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A full disk is an error, in whatever format and wherever the disk becomes full.
func TestWriteErrorsAreReturned(t *testing.T) {
	for _, format := range Formats {
		if err := Write(full{}, sample(), format, Options{}); !errors.Is(err, errFull) {
			t.Errorf("%s: got %v", format, err)
		}
	}
	if err := Write(io.Discard, sample(), "pdf", Options{}); err == nil {
		t.Error("there is no format pdf, but it was written")
	}
}

var errFull = errors.New("no space left on device")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
