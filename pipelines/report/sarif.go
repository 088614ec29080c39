package report

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/penstock-dev/penstock/pipelines"
)

// notRunRule is under which SARIF, which has no other place for it, is told of
// what was not run.
const notRunRule = "not-run"

// SARIF renders SARIF 2.1.0. A waived finding is suppressed; an unknown is an
// open result; what was not run is an error, since nobody knows what it hides.
func SARIF(w io.Writer, r *pipelines.Report) error {
	run := sarif.NewRunWithInformationURI("penstock", "https://github.com/penstock-dev/penstock")
	for _, result := range r.Results {
		if result.Verdict == pipelines.NotRun {
			id := result.Stage + "/" + notRunRule
			describe(run, id, pipelines.Finding{Message: "The stage was not run", Hint: result.Hint})
			run.AddResult(sarif.NewRuleResult(id).WithLevel("error").WithKind("fail").
				WithMessage(sarif.NewTextMessage(Printable(result.Unit + " was not run: " + result.Reason))).
				WithLocations([]*sarif.Location{location(pipelines.Position{Path: result.Unit})}))
		}
		for _, f := range result.Findings {
			id := result.Stage + "/" + f.Rule
			describe(run, id, f)
			run.AddResult(sarifResult(id, result.Unit, f))
		}
	}
	invocation := sarif.NewInvocation()
	done := r.Counts[pipelines.NotRun] == 0 && r.Verdict != pipelines.NotRun
	invocation.ExecutionSuccessful = &done
	run.AddInvocation(invocation)
	if run.Results == nil {
		run.Results = []*sarif.Result{}
	}
	report := sarif.NewReport()
	report.AddRun(run)
	return report.PrettyWrite(w)
}

func describe(run *sarif.Run, id string, f pipelines.Finding) {
	if run.GetRuleIndex(id) >= 0 {
		return
	}
	rule := run.AddRule(id)
	_, short, _ := strings.Cut(id, "/")
	rule.WithShortDescription(sarif.NewMultiformatMessageString().WithText(short))
	if f.Hint != "" {
		rule.WithHelp(sarif.NewMultiformatMessageString().WithText(Printable(f.Hint)))
	}
}

func sarifResult(id, unit string, f pipelines.Finding) *sarif.Result {
	message := Printable(f.Message)
	if f.Resource != "" {
		message = Printable(f.Resource) + ": " + message
	}
	result := sarif.NewRuleResult(id).WithMessage(sarif.NewTextMessage(message)).WithLocations([]*sarif.Location{location(f.Position)})
	// The fingerprint leaves the line out: a finding stays the same when lines move.
	sum := sha256.Sum256([]byte(strings.Join([]string{id, unit, f.Path, f.Resource, f.Message}, "\x00")))
	result.WithPartialFingerprints(map[string]string{"penstock/v1": hex.EncodeToString(sum[:])})
	switch f.Verdict {
	case pipelines.Unknown: // the format lets an open result have no level but "none"
		return result.WithKind("open").WithLevel("none")
	case pipelines.Waived:
		suppression := sarif.NewSuppression()
		kind, why := "external", "waived"
		if f.Waiver != nil {
			why = Printable("until " + f.Waiver.Expires + " by " + f.Waiver.Owner + ": " + f.Waiver.Reason)
		}
		suppression.Kind, suppression.Justification = &kind, &why
		result.AddSuppression(suppression)
	}
	return result.WithKind("fail").WithLevel(level(f.Severity))
}

func level(s pipelines.Severity) string {
	switch s {
	case pipelines.Low:
		return "note"
	case pipelines.Medium:
		return "warning"
	}
	return "error"
}

func location(p pipelines.Position) *sarif.Location {
	path := (&url.URL{Path: p.Path}).EscapedPath()
	physical := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation(path))
	if p.Line > 0 {
		region := sarif.NewRegion().WithStartLine(p.Line)
		if p.Column > 0 {
			region.WithStartColumn(p.Column)
		}
		if p.EndLine >= p.Line {
			region.WithEndLine(p.EndLine)
			if p.EndColumn > 0 {
				region.WithEndColumn(p.EndColumn)
			}
		}
		physical.WithRegion(region)
	}
	return sarif.NewLocation().WithPhysicalLocation(physical)
}
