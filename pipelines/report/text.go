// Package report renders reports: as text, JSON, JUnit, SARIF, Markdown and for
// GitHub. What others wrote (names, messages) is never shown raw.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Options are how a report is shown.
type Options struct {
	// Color uses ANSI colours.
	Color bool
}

// longest is how many characters of one message are shown.
const longest = 2000

// Printable makes text that others wrote safe for a terminal, on one line.
func Printable(s string) string { return printable.Text(s, longest) }

// Text renders the report for a terminal: the summary first, then what was not
// run, then the findings.
func Text(w io.Writer, r *pipelines.Report, o Options) error {
	t := &text{color: o.Color}
	t.summary(r)
	for _, result := range r.Results {
		t.result(result)
	}
	for _, skip := range r.Skipped {
		t.line("skipped %s: %s", skip.Stage, Printable(skip.Reason))
	}
	for _, n := range r.Notices {
		t.line("notice: %s%s", place(pipelines.Position{Path: n.Path, Line: n.Line}), Printable(n.Message))
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

type text struct {
	b     strings.Builder
	color bool
}

func (t *text) line(format string, args ...any) { fmt.Fprintf(&t.b, format+"\n", args...) }

var colors = map[pipelines.Verdict]string{pipelines.Pass: "32", pipelines.Waived: "36", pipelines.Unknown: "33",
	pipelines.Fail: "31", pipelines.NotRun: "35"}

func (t *text) paint(v pipelines.Verdict, s string) string {
	if !t.color {
		return s
	}
	return "\x1b[" + colors[v] + "m" + s + "\x1b[0m"
}

func (t *text) summary(r *pipelines.Report) {
	t.line("%s: %s", t.paint(r.Verdict, r.Verdict.String()), Headline(r))
	for _, stage := range r.Stages {
		counts := map[pipelines.Verdict]int{}
		for _, result := range r.Results {
			if result.Stage == stage {
				counts[result.Verdict]++
			}
		}
		t.line("  %-18s %s", stage, tally(counts))
	}
}

// Headline says in one line what was judged.
func Headline(r *pipelines.Report) string {
	s := r.Selection
	switch {
	case s.Total == 0 && len(s.Units) == 0:
		return or(s.Reason, "there is no unit to judge")
	case len(s.Units) == 0:
		return fmt.Sprintf("0 of %d units judged: %s", s.Total, or(s.Reason, "none was selected"))
	case s.Base != "" && !s.All:
		return fmt.Sprintf("%d of %d units touched since %.12s, %.1f s", len(s.Units), s.Total, s.Base, r.Seconds)
	}
	return fmt.Sprintf("%d of %d units judged, %.1f s", len(s.Units), s.Total, r.Seconds)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return Printable(s)
}

func tally(counts map[pipelines.Verdict]int) string {
	var parts []string
	for _, v := range pipelines.Verdicts {
		if counts[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[v], v))
		}
	}
	if len(parts) == 0 {
		return "nothing to judge"
	}
	return strings.Join(parts, ", ")
}

func (t *text) result(r pipelines.Result) {
	if r.Verdict == pipelines.Pass && r.Reason == "" {
		return
	}
	why := r.Unit
	if len(r.Why) > 1 {
		why = strings.Join(r.Why, " <- ")
	}
	t.line("\n%s %s: %s", t.paint(r.Verdict, r.Verdict.String()), r.Stage, Printable(why))
	if r.Reason != "" {
		t.line("  %s", Printable(r.Reason))
	}
	if r.Hint != "" {
		t.line("  hint: %s", Printable(r.Hint))
	}
	for i, f := range r.Findings {
		t.finding(r.Stage, f)
		if i+1 == len(r.Findings) || r.Findings[i+1].Hint != f.Hint { // the same hint once
			t.hint(f)
		}
	}
}

func (t *text) hint(f pipelines.Finding) {
	if f.Hint != "" {
		t.line("  hint: %s", Printable(f.Hint))
	}
}

func (t *text) finding(stage string, f pipelines.Finding) {
	message := Printable(f.Message)
	if f.Resource != "" {
		message = Printable(f.Resource) + ": " + message
	}
	if f.Verdict != pipelines.Fail {
		message = t.paint(f.Verdict, f.Verdict.String()) + ": " + message
	}
	t.line("%s%s [%s/%s]", place(f.Position), message, stage, Printable(f.Rule))
	if f.Waiver != nil {
		t.line("  waived until %s by %s: %s", f.Waiver.Expires, Printable(f.Waiver.Owner), Printable(f.Waiver.Reason))
	}
}

// place is "path:line:col: ", as far as it is known.
func place(p pipelines.Position) string {
	switch {
	case p.Path == "":
		return ""
	case p.Line == 0:
		return printable.Path(p.Path) + ": "
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: ", printable.Path(p.Path), p.Line)
	}
	return fmt.Sprintf("%s:%d:%d: ", printable.Path(p.Path), p.Line, p.Column)
}
