// Package pipelines holds the data that every stage returns: units, findings,
// results and the report. It is a leaf: standard library only, so that the
// Dagger module can import it without drawing in OPA or an SDK.
package pipelines

// Verdict is what a stage says of a unit, a rule of a resource, or a report as
// a whole. The zero value is not valid: a verdict is always said.
type Verdict string

const (
	// Pass: read, judged, nothing found.
	Pass Verdict = "pass"
	// Waived: it fails, but is excused by name until a date.
	Waived Verdict = "waived"
	// Unknown: it was read, but cannot be decided yet.
	Unknown Verdict = "unknown"
	// Fail: a finding.
	Fail Verdict = "fail"
	// NotRun: not run, or not readable. It is never a pass and outranks a
	// finding, because nobody knows what it would have found.
	NotRun Verdict = "not_run"
)

// Verdicts lists every verdict, the best first.
var Verdicts = []Verdict{Pass, Waived, Unknown, Fail, NotRun}

func (v Verdict) rank() int {
	for i, known := range Verdicts {
		if v == known {
			return i
		}
	}
	return len(Verdicts) - 1 // a verdict nobody knows is never a pass
}

// Worse returns the worse of two verdicts.
func (v Verdict) Worse(other Verdict) Verdict {
	if other.rank() > v.rank() {
		return other
	}
	return v
}

// String is the verdict as people read it: "not run" rather than "not_run".
func (v Verdict) String() string {
	if v == NotRun {
		return "not run"
	}
	return string(v)
}

// Exit codes of the program. 3 outranks 1.
const (
	ExitClean    = 0 // everything passed or is waived
	ExitFindings = 1 // a finding, or an unknown
	ExitUsage    = 2 // the command line or a configuration file is wrong
	ExitNotRun   = 3 // something was not run or could not be read
)

// ExitCode maps a verdict to the exit code of the program.
func (v Verdict) ExitCode() int {
	switch v {
	case Pass, Waived:
		return ExitClean
	case Fail, Unknown:
		return ExitFindings
	default:
		return ExitNotRun
	}
}

// Severity is how much a finding matters; it never changes the verdict.
type Severity string

const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)
