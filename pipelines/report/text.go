// Package report renders reports: as text, JSON, JUnit, SARIF, Markdown and for
// GitHub. What others wrote (names, messages) is never shown raw.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// Options are how a report is shown.
type Options struct {
	// Color uses ANSI colours.
	Color bool
}

// Text renders the report for a terminal: the summary first, then the findings,
// then what was not run and what there was nothing to say of, then notices.
func Text(w io.Writer, r *pipelines.Report, o Options) error {
	t := &text{color: o.Color}
	t.summary(r)
	list := blocks(r)
	slices.SortStableFunc(list, func(a, b block) int { return a.part() - b.part() })
	for _, b := range list {
		t.block(b)
	}
	t.cases(r)
	if len(r.Skipped)+len(r.Notices) > 0 {
		t.line("")
	}
	for _, skip := range r.Skipped {
		t.line("skipped %s: %s", Printable(skip.Stage), Printable(skip.Reason))
	}
	for _, n := range r.Notices {
		t.line("notice: %s%s", place(pipelines.Position{Path: n.Path, Line: n.Line}), Printable(n.Message))
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

// part is where in the text a block stands.
func (b block) part() int {
	switch {
	case len(b.Findings) > 0:
		return 0
	case b.Verdict == pipelines.Pass:
		return 2
	}
	return 1
}

type text struct {
	b     strings.Builder
	color bool
}

func (t *text) line(format string, args ...any) { fmt.Fprintf(&t.b, format+"\n", args...) }

var colors = map[pipelines.Verdict]string{pipelines.Pass: "32", pipelines.Waived: "36", pipelines.Unknown: "33",
	pipelines.Fail: "31", pipelines.NotRun: "35"}

func (t *text) paint(v pipelines.Verdict) string {
	if !t.color {
		return v.String()
	}
	return "\x1b[" + colors[v] + "m" + v.String() + "\x1b[0m"
}

func (t *text) summary(r *pipelines.Report) {
	t.line("%s: %s", t.paint(r.Verdict), Headline(r))
	for _, stage := range stagesOf(r) {
		t.line("  %-18s %s", Printable(stage), tallyOf(r, stage))
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
		return fmt.Sprintf("%d of %d units touched since %s, %.1f s", len(s.Units), s.Total, Printable(short(s.Base)), r.Seconds)
	}
	return fmt.Sprintf("%d of %d units judged, %.1f s", len(s.Units), s.Total, r.Seconds)
}

func short(commit string) string { return fmt.Sprintf("%.12s", commit) }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return Printable(s)
}

func (t *text) block(b block) {
	t.line("\n%s %s: %s", t.paint(b.Verdict), Printable(b.Stage), b.subject())
	if b.Reason != "" {
		t.line("  %s", Printable(b.Reason))
	}
	if b.Hint != "" {
		t.line("  hint: %s", Printable(b.Hint))
	}
	if len(b.units) > 1 {
		t.line("  %s", b.members())
	}
	for i, f := range b.Findings {
		t.finding(b.Stage, f)
		if i+1 == len(b.Findings) || b.Findings[i+1].Hint != f.Hint { // the same hint once
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
	verdict := ""
	if f.Verdict != pipelines.Fail {
		verdict = t.paint(f.Verdict) + ": "
	}
	t.line("%s%s%s [%s/%s]", place(f.Position), verdict, Printable(told(f)), Printable(stage), Printable(f.Rule))
	if f.Waiver != nil {
		t.line("  waived %s", excuse(f.Waiver))
	}
}

// excuse says until when, by whom and why something is waived.
func excuse(w *pipelines.Waiver) string {
	return Printable("until " + w.Expires + " by " + w.Owner + ": " + w.Reason)
}

// place is "path:line:col: ", as far as it is known.
func place(p pipelines.Position) string {
	switch {
	case p.Path == "":
		return ""
	case p.Line == 0:
		return name(p.Path) + ": "
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: ", name(p.Path), p.Line)
	}
	return fmt.Sprintf("%s:%d:%d: ", name(p.Path), p.Line, p.Column)
}
