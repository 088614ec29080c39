package terratest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// tftestFiles are the files of terraform test of a unit, relative to it.
func tftestFiles(dir string) ([]string, error) {
	var files []string
	for _, below := range []string{"", "tests"} {
		entries, err := os.ReadDir(filepath.Join(dir, below))
		if os.IsNotExist(err) && below != "" {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && (strings.HasSuffix(e.Name(), ".tftest.hcl") || strings.HasSuffix(e.Name(), ".tftest.json")) {
				files = append(files, path.Join(below, e.Name()))
			}
		}
	}
	return files, nil
}

// runBlocks are the names of the run blocks of a file, in their order.
func runBlocks(file string) ([]string, hcl.Diagnostics) {
	parser := hclparse.NewParser()
	parse := parser.ParseHCLFile
	if strings.HasSuffix(file, ".json") {
		parse = parser.ParseJSONFile
	}
	parsed, diags := parse(file)
	if diags.HasErrors() {
		return nil, diags
	}
	content, _, diags := parsed.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "run", LabelNames: []string{"name"}}}})
	var names []string
	for _, block := range content.Blocks {
		names = append(names, block.Labels[0])
	}
	return names, diags
}

// declareTftest finds the run blocks of a unit. A file is one group: its runs share state
// and follow each other.
func (s *session) declareTftest(unit pipelines.Unit, found *unitCases) error {
	dir := filepath.Join(s.Root, filepath.FromSlash(unit.Path))
	files, err := tftestFiles(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		names, diags := runBlocks(filepath.Join(dir, filepath.FromSlash(file)))
		if diags.HasErrors() {
			found.unreadable(unit, file, diags)
			continue
		}
		cases := make([]string, len(names))
		for i, name := range names {
			cases[i] = file + "/" + name
		}
		if len(cases) > 0 {
			found.groups = append(found.groups, group{unit: unit, kind: pipelines.CaseTftest, account: s.accountOf(unit.Path), cases: cases, width: 1, whole: true, run: s.runTftest(unit, file)})
		} else {
			found.notices = append(found.notices, pipelines.Notice{Path: path.Join(unit.Path, file), Message: "it has no run block"})
		}
	}
	return nil
}

// unreadable: nobody knows which cases there are, and so that they passed.
func (u *unitCases) unreadable(unit pipelines.Unit, file string, diags hcl.Diagnostics) {
	reason := fmt.Sprintf("%s cannot be read", file)
	u.broken = append(u.broken, pipelines.Case{Name: file, Kind: pipelines.CaseTftest, Status: pipelines.CaseNotRun, Reason: reason})
	for _, d := range diags {
		f := pipelines.Finding{Rule: "tftest", Verdict: pipelines.Fail, Message: printable.Text(d.Summary+": "+d.Detail, 1000)}
		f.Path = path.Join(unit.Path, file)
		if d.Subject != nil {
			f.Line, f.Column = d.Subject.Start.Line, d.Subject.Start.Column
		}
		u.findings = append(u.findings, f)
	}
	u.reason = reason
}

func (s *session) runTftest(unit pipelines.Unit, file string) func(context.Context, attempt) error {
	return func(ctx context.Context, a attempt) error {
		out, err := s.terraform(ctx, a, &lines{each: func(l []byte) { a.record.print("", l) }}, "init", "-input=false", "-no-color", "-backend=false")
		if err != nil || out.Exit != 0 {
			a.record.close(a.names, "terraform init: "+or(firstError(string(out.Stderr)), s.whyEnded(ctx, out.Exit, err)))
			return err
		}
		events := &tftestEvents{record: a.record, unit: unit.Path, file: file, first: map[string]pipelines.Finding{}}
		split := &lines{each: events.line}
		out, err = s.terraform(ctx, a, split, "test", "-json", "-no-color", "-filter="+filepath.FromSlash(file))
		split.flush()
		events.close()
		a.record.close(a.names, s.whyEnded(ctx, out.Exit, err))
		return err
	}
}

// terraform runs the program of the session in the unit of an attempt.
func (s *session) terraform(ctx context.Context, a attempt, stdout *lines, args ...string) (process.Output, error) {
	if s.program == "" {
		return process.Output{Exit: -1}, &pipelines.Error{Err: errors.New("neither terraform nor tofu is on PATH"),
			Hint: "install terraform (https://developer.hashicorp.com/terraform/install) or tofu (https://opentofu.org/docs/intro/install)"}
	}
	return process.Run(ctx, process.Command{Argv: append([]string{s.program}, args...), Dir: a.dir, Env: a.env, Stdout: stdout, Grace: s.grace()})
}

// firstError is the first error of terraform's own output.
func firstError(said string) string {
	lines := strings.Split(said, "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "Error:") })
	if i < 0 {
		t := tail{}
		_, _ = t.Write([]byte(said))
		return t.line()
	}
	return strings.TrimLeft(strings.TrimSpace(lines[i]), "│╷ ")
}

// tftestEvents reads what terraform test -json prints into a record.
type tftestEvents struct {
	record     *record
	unit, file string
	// first is the first error of each run.
	first map[string]pipelines.Finding
	// ended are the runs with the verdict that terraform said; it says why only after it.
	ended []tftestRun
}

type tftestRun struct {
	Path, Run, Progress, Status string
}

type tftestEvent struct {
	Message    string      `json:"@message"`
	File       string      `json:"@testfile"`
	Run        string      `json:"@testrun"`
	Type       string      `json:"type"`
	TestRun    *tftestRun  `json:"test_run"`
	Diagnostic *diagnostic `json:"diagnostic"`
	Cleanup    *struct {
		Failed []struct {
			Instance string `json:"instance"`
		} `json:"failed_resources"`
	} `json:"test_cleanup"`
}

type diagnostic struct {
	Severity, Summary, Detail string
	Range                     *struct {
		Filename string
		Start    struct{ Line, Column int }
	}
	Snippet *struct{ Code string }
}

func (e *tftestEvents) line(line []byte) {
	var event tftestEvent
	if json.Unmarshal(line, &event) != nil {
		e.record.print("", line)
		return
	}
	name := e.file + "/" + event.Run
	if event.Run == "" {
		name = ""
	}
	if r := event.TestRun; r != nil && r.Progress == "starting" {
		e.record.start(name)
	}
	e.record.print(name, []byte(event.Message+"\n"))
	if d := event.Diagnostic; d != nil {
		if d.Snippet != nil {
			e.record.print(name, []byte("  "+d.Snippet.Code+"\n"))
		}
		e.record.print(name, []byte("  "+d.Detail+"\n"))
		if d.Severity == "error" {
			e.error(name, d)
		}
	}
	if c := event.Cleanup; c != nil {
		for _, failed := range c.Failed {
			e.record.kept(failed.Instance, "terraform test could not destroy it")
		}
	}
	if r := event.TestRun; r != nil && r.Progress == "complete" {
		e.ended = append(e.ended, *r)
	}
}

func (e *tftestEvents) error(name string, d *diagnostic) {
	if _, known := e.first[name]; known {
		return
	}
	f := pipelines.Finding{Message: printable.Text(d.Summary+": "+d.Detail, 500)}
	if d.Range != nil {
		f.Path, f.Line, f.Column = path.Join(e.unit, filepath.ToSlash(d.Range.Filename)), d.Range.Start.Line, d.Range.Start.Column
	}
	e.first[name] = f
}

// close draws the verdicts, with the errors that followed them.
func (e *tftestEvents) close() {
	for _, r := range e.ended {
		name := e.file + "/" + r.Run
		first := e.first[name]
		switch r.Status {
		case "pass":
			e.record.end(name, pipelines.CasePassed, "", pipelines.Position{})
		case "fail", "error":
			e.record.end(name, pipelines.CaseFailed, or(first.Message, "terraform says no more than "+r.Status), first.Position)
		case "skip", "pending":
			e.record.end(name, pipelines.CaseNotRun, "a run before it did not succeed", pipelines.Position{})
		}
	}
	if f, ok := e.first[""]; ok { // of the file, or of what was left when it was over
		e.record.found(pipelines.Finding{Position: f.Position, Rule: "tftest", Verdict: pipelines.Fail, Message: f.Message})
	}
}
