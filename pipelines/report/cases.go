package report

import (
	"fmt"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// explained says whether the cases of a unit alone make its verdict: then nothing
// has to be said of the unit beside them.
func explained(r pipelines.Result) bool {
	verdict := pipelines.Pass
	for _, c := range r.Cases {
		verdict = verdict.Worse(c.Verdict())
	}
	return verdict == r.Verdict
}

// addCases adds the cases of a unit, each with its own output.
func (s *junitSuite) addCases(r pipelines.Result) {
	for _, c := range r.Cases {
		s.Tests++
		j := junitCase{Class: name(r.Unit), Name: Printable(c.Name), Time: seconds(c.Seconds), Output: multiline(c.Output)}
		note := &junitNote{Message: Printable(c.Reason), Type: c.Status}
		switch c.Status {
		case pipelines.CasePassed:
			if c.Flaky {
				j.Output = fmt.Sprintf("flaky: passed on attempt %d, failed before: %s\n", c.Attempts, Printable(c.Reason)) + j.Output
			}
		case pipelines.CaseFailed:
			s.Failures++
			j.Failure = note
		case pipelines.CaseSkipped:
			s.Skipped++
			j.Skipped = note
		default:
			s.Errors++
			note.Message = "not run: " + note.Message
			j.Error = note
		}
		s.Cases = append(s.Cases, j)
	}
}

// multiline makes the lines of a log safe, and leaves them lines.
func multiline(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		lines[i] = line[:indent] + Printable(line[indent:])
	}
	return strings.Join(lines, "\n")
}

// outcome is what is shown as the status of a case.
func outcome(c pipelines.Case) string {
	switch {
	case c.Flaky:
		return "flaky"
	case c.Status == pipelines.CaseNotRun:
		return "not run"
	}
	return c.Status
}

// caseCounts says how many cases became what, "" where there is no case.
func caseCounts(r *pipelines.Report, stage string) string {
	counts := map[string]int{}
	total := 0
	for _, result := range r.Results {
		if result.Stage != stage {
			continue
		}
		for _, c := range result.Cases {
			counts[outcome(c)]++
			total++
		}
	}
	if total == 0 {
		return ""
	}
	parts := []string{fmt.Sprintf("%d declared", total)}
	for _, kind := range []string{"passed", "flaky", "failed", "skipped", "not run"} {
		if counts[kind] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[kind], kind))
		}
	}
	return strings.Join(parts, ", ")
}

// why is what there is to say of a case beside its outcome.
func why(c pipelines.Case) string {
	switch {
	case c.Flaky:
		return fmt.Sprintf("passed on attempt %d; failed before: %s", c.Attempts, c.Reason)
	default:
		return c.Reason
	}
}

// cases lists every declared case with what became of it.
func (t *text) cases(r *pipelines.Report) {
	first := true
	for _, result := range r.Results {
		for _, c := range result.Cases {
			if first {
				t.line("\ncases:")
				first = false
			}
			line := fmt.Sprintf("  %-8s %s:%s (%.1f s)", outcome(c), name(result.Unit), Printable(c.Name), c.Seconds)
			if said := why(c); said != "" {
				line += ": " + Printable(said)
			}
			t.line("%s", line)
		}
	}
}

// markdownCases is the table of the cases of a unit, worst first told by its icon.
func markdownCases(b block, room int) string {
	if len(b.Cases) == 0 {
		return ""
	}
	var s strings.Builder
	s.WriteString("| case | | seconds |\n|---|---|---|\n")
	const rest = 100
	for i, c := range b.Cases {
		what := outcome(c)
		if said := why(c); said != "" {
			what += ": " + said
		}
		row := fmt.Sprintf("| %s | %s %s | %.1f |\n", prose(c.Name), icons[c.Verdict()], prose(what), c.Seconds)
		if s.Len()+len(row)+rest > room {
			fmt.Fprintf(&s, "| %d more cases are in the full report | | |\n", len(b.Cases)-i)
			break
		}
		s.WriteString(row)
	}
	return s.String() + "\n"
}
