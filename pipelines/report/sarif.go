package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
	run.WithColumnKind("unicodeCodePoints")
	seen := fingerprints{}
	for _, result := range r.Results {
		if result.Verdict == pipelines.NotRun {
			id := Printable(result.Stage + "/" + notRunRule)
			describe(run, id, pipelines.Finding{Message: "The stage was not run", Hint: result.Hint})
			run.AddResult(sarif.NewRuleResult(id).WithLevel("error").WithKind("fail").
				WithMessage(sarif.NewTextMessage(name(result.Unit) + " was not run: " + Printable(result.Reason))).
				WithPartialFingerprints(seen.of(id, result.Unit)).
				WithLocations([]*sarif.Location{location(pipelines.Position{Path: result.Unit})}))
		}
		for _, f := range result.Findings {
			id := Printable(result.Stage + "/" + f.Rule)
			describe(run, id, f)
			run.AddResult(sarifResult(id, result.Unit, f, seen))
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

// describe adds a rule when it is first met. Its help is the hint of that finding.
func describe(run *sarif.Run, id string, f pipelines.Finding) {
	if run.GetRuleIndex(id) >= 0 {
		return
	}
	_, short, _ := strings.Cut(id, "/")
	help := f.Hint
	if help == "" {
		help = f.Message
	}
	rule := run.AddRule(id)
	rule.WithShortDescription(sarif.NewMultiformatMessageString().WithText(Printable(short)))
	rule.WithHelp(sarif.NewMultiformatMessageString().WithText(Printable(help)))
	rule.WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(level(f.Severity)))
}

// fingerprints tell results apart. They leave the line out, so that a finding
// stays the same when lines move; of several that are alike, each has its number.
type fingerprints map[string]int

func (seen fingerprints) of(parts ...string) map[string]string {
	key := strings.Join(parts, "\x00")
	seen[key]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, seen[key]))
	return map[string]string{"penstock/v1": hex.EncodeToString(sum[:])}
}

func sarifResult(id, unit string, f pipelines.Finding, seen fingerprints) *sarif.Result {
	at := f.Position
	if at.Path == "" {
		at.Path = unit
	}
	result := sarif.NewRuleResult(id).WithMessage(sarif.NewTextMessage(Printable(told(f)))).WithLocations([]*sarif.Location{location(at)})
	result.WithPartialFingerprints(seen.of(id, unit, f.Path, f.Resource, f.Message))
	switch f.Verdict {
	case pipelines.Unknown: // the format lets an open result have no level but "none"
		return result.WithKind("open").WithLevel("none")
	case pipelines.Waived:
		suppression := sarif.NewSuppression()
		kind, why := "external", "waived"
		if f.Waiver != nil {
			why = excuse(f.Waiver)
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
	uri := (&url.URL{Path: p.Path}).String() // relative to the root, escaped
	physical := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation(uri))
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
