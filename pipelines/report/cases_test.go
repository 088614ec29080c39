package report

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// tested is a report of one unit with a case of each outcome.
func tested() *pipelines.Report {
	r := &pipelines.Report{Stages: []string{"terratest"},
		Selection: pipelines.Selection{Total: 2, Units: []pipelines.Unit{{Path: "tests/queue"}, {Path: "tests/topic"}}}}
	r.Results = []pipelines.Result{{Stage: "terratest", Unit: "tests/queue", Cases: []pipelines.Case{
		{Name: "TestGood", Kind: pipelines.CaseGo, Status: pipelines.CasePassed, Attempts: 1, Seconds: 1.25, Log: "cases/good.log", Output: "=== RUN   TestGood\n    a.go:1: hi\n##[error]no\n"},
		{Name: "TestFlaky", Kind: pipelines.CaseGo, Status: pipelines.CasePassed, Flaky: true, Attempts: 2, Reason: "a.go:9: no answer"},
		{Name: "TestBad", Kind: pipelines.CaseGo, Status: pipelines.CaseFailed, Attempts: 2, Reason: "a.go:7: | <b>"},
		{Name: "TestNot", Kind: pipelines.CaseGo, Status: pipelines.CaseSkipped, Reason: "no account"},
		{Name: "small.tfvars", Kind: pipelines.CaseExample, Status: pipelines.CaseNotRun, Reason: "the deadline came first"},
	}}, {Stage: "terratest", Unit: "tests/topic", Cases: []pipelines.Case{{Name: "TestTopic", Kind: pipelines.CaseGo, Status: pipelines.CasePassed}},
		Findings: []pipelines.Finding{{Rule: "leak", Verdict: pipelines.Fail, Message: "it is still there", Resource: "aws_sns_topic.t"}}}}
	r.Close()
	return r
}

func TestCasesMakeTheVerdict(t *testing.T) {
	for status, want := range map[string]pipelines.Verdict{pipelines.CasePassed: pipelines.Pass, pipelines.CaseSkipped: pipelines.Pass,
		pipelines.CaseFailed: pipelines.Fail, pipelines.CaseNotRun: pipelines.NotRun, "else": pipelines.NotRun} {
		r := &pipelines.Report{Stages: []string{"terratest"}, Selection: pipelines.Selection{Total: 1, Units: []pipelines.Unit{{Path: "u"}}},
			Results: []pipelines.Result{{Stage: "terratest", Unit: "u", Cases: []pipelines.Case{{Name: "a", Status: pipelines.CasePassed}, {Name: "b", Status: status}}}}}
		if r.Close(); r.Verdict != want {
			t.Errorf("%s: %s", status, r.Verdict)
		}
	}
	if v := (pipelines.Case{Status: pipelines.CaseSkipped, Excused: true}).Verdict(); v != pipelines.Waived {
		t.Errorf("excused: %s", v)
	}
}

func TestJUnitHasEachCaseWithItsOwnOutput(t *testing.T) {
	var suites junitSuites
	if err := xml.Unmarshal(render(t, "junit", tested()), &suites); err != nil {
		t.Fatal(err)
	}
	if suites.Tests != 7 || suites.Failures != 2 || suites.Errors != 1 || suites.Suites[0].Skipped != 1 {
		t.Errorf("%d tests, %d failures, %d errors", suites.Tests, suites.Failures, suites.Errors)
	}
	by := map[string]junitCase{}
	for _, c := range suites.Suites[0].Cases {
		by[c.Class+":"+c.Name] = c
	}
	good := by["tests/queue:TestGood"]
	if good.Output != "=== RUN   TestGood\n    a.go:1: hi\n\\x23#[error]no\n" || good.Failure != nil || good.Time != "1.250" {
		t.Errorf("%+v", good)
	}
	if c := by["tests/queue:TestBad"]; c.Failure == nil || c.Output != "" {
		t.Errorf("%+v", c)
	}
	if c := by["tests/queue:TestNot"]; c.Skipped == nil || c.Skipped.Message != "no account" {
		t.Errorf("%+v", c)
	}
	if c := by["tests/queue:small.tfvars"]; c.Error == nil {
		t.Errorf("%+v", c)
	}
	if c := by["tests/queue:TestFlaky"]; c.Failure != nil || !strings.HasPrefix(c.Output, "flaky: passed on attempt 2") {
		t.Errorf("%+v", c)
	}
	// A leak is nobody's case: the unit says it.
	if c := by["terratest:tests/topic"]; c.Failure == nil || !strings.Contains(c.Failure.Text, "still there") {
		t.Errorf("%+v", c)
	}
}

func TestTextAndMarkdownListEachCase(t *testing.T) {
	text, page := string(render(t, "text", tested())), string(render(t, "markdown", tested()))
	for _, want := range []string{"cases: 6 declared, 2 passed, 1 flaky, 1 failed, 1 skipped, 1 not run", "  flaky    tests/queue:TestFlaky (0.0 s): passed on attempt 2; failed before: a.go:9: no answer",
		"  skipped  tests/queue:TestNot (0.0 s): no account", "  not run  tests/queue:small.tfvars (0.0 s): the deadline came first", "  passed   tests/topic:TestTopic"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	for _, want := range []string{"TestGood", "failed: a.go:7: &#124; &#60;b&#62;", "not run: the deadline came first", "cases: 6 declared"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

func TestCasesAreReadAsTheyWereWritten(t *testing.T) {
	r := tested()
	read, err := Read(bytes.NewReader(render(t, "json", r)))
	if err != nil || len(read.Results[0].Cases) != 5 || read.Results[0].Cases[1] != r.Results[0].Cases[1] {
		t.Fatalf("%v: %+v", err, read)
	}
	for name, spoil := range map[string]func(*pipelines.Case){
		"status": func(c *pipelines.Case) { c.Status = "fine" }, "kind": func(c *pipelines.Case) { c.Kind = "rust" },
		"name": func(c *pipelines.Case) { c.Name = "" }, "twice": func(c *pipelines.Case) { c.Name = "TestFlaky" },
		"log": func(c *pipelines.Case) { c.Log = "../x" }, "excused": func(c *pipelines.Case) { c.Excused = true },
		"negative": func(c *pipelines.Case) { c.Attempts = -1 },
	} {
		r := tested()
		spoil(&r.Results[0].Cases[0])
		if _, err := Read(bytes.NewReader(render(t, "json", r))); err == nil {
			t.Errorf("%s: it was read", name)
		}
	}
}
