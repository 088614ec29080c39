package pipelines

import "time"

// What became of a case. Every declared case has one of these: what is none of
// the first three was not run, and that is never a pass.
const (
	CasePassed  = "passed"
	CaseFailed  = "failed"
	CaseSkipped = "skipped"
	CaseNotRun  = "not_run"
)

// CaseStatuses lists what may become of a case.
var CaseStatuses = []string{CasePassed, CaseFailed, CaseSkipped, CaseNotRun}

// What a case is.
const (
	CaseGo      = "go"      // a test function of Go
	CaseTftest  = "tftest"  // a run block of a .tftest.hcl file
	CaseExample = "example" // an example with one file of variables
)

// CaseKinds lists what a case may be.
var CaseKinds = []string{CaseGo, CaseTftest, CaseExample}

// CaseOutput is how much of a case's log stands in the report, in bytes.
const CaseOutput = 16 << 10

// Case is one thing that a stage declares to test, and what became of it.
type Case struct {
	// Name is the case within its unit: "TestQueue", "tests/module.tftest.hcl/nothing_is_public", "small.tfvars".
	Name string `json:"name"`
	// Kind is go, tftest or example.
	Kind string `json:"kind" jsonschema:"enum=go,enum=tftest,enum=example"`
	// Status is passed, failed, skipped or not_run.
	Status string `json:"status" jsonschema:"enum=passed,enum=failed,enum=skipped,enum=not_run"`
	// Reason says why it was skipped or not run, or the first line of its (first) failure.
	Reason string `json:"reason,omitempty"`
	// Excused: it was skipped by name, with an owner and until a date.
	Excused bool `json:"excused,omitempty"`
	// Flaky: it failed, and passed when it was tried again.
	Flaky bool `json:"flaky,omitempty"`
	// Attempts counts how often it was started.
	Attempts int     `json:"attempts,omitempty"`
	Seconds  float64 `json:"seconds"`
	// Log is its own log, slash-separated and relative to the report's directory;
	// empty where no report was written.
	Log string `json:"log,omitempty"`
	// Output is the log's beginning and end, at most CaseOutput bytes.
	Output string `json:"output,omitempty"`
}

// Verdict is what a case alone makes of its unit.
func (c Case) Verdict() Verdict {
	switch {
	case c.Status == CasePassed, c.Status == CaseSkipped && !c.Excused:
		return Pass
	case c.Status == CaseSkipped:
		return Waived
	case c.Status == CaseFailed:
		return Fail
	}
	return NotRun
}

// CaseEvent is the progress of cases.
type CaseEvent struct {
	Stage, Unit, Case string
	// Status is empty when the case starts.
	Status  string
	Elapsed time.Duration
	// Running, Passed, Failed and Done count the cases of the stage, of Total.
	Running, Passed, Failed, Done, Total int
	// Since is how long the stage has been running.
	Since time.Duration
}

// Suite says which part of a whole suite a report is about, so that nobody takes a part
// for the whole.
type Suite struct {
	// Commit is what was tested, in hex digits; Dirty: it was not that alone.
	Commit string `json:"commit,omitempty"`
	Dirty  bool   `json:"dirty,omitempty"`
	// Part of Of: 3 of 8. Both are 0 where the parts were joined.
	Part int `json:"part,omitempty"`
	Of   int `json:"of,omitempty"`
	// Run is the run of the tests.
	Run string `json:"run,omitempty"`
	// Weights names the durations by which the suite was divided; empty: there were none.
	Weights string `json:"weights,omitempty"`
	// Cases are all that the suite declares, UNIT:NAME, sorted.
	Cases []string `json:"cases"`
	// Excused are those of Cases that the skip list names.
	Excused []string `json:"excused,omitempty"`
}
