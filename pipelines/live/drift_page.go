package live

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/internal/markdown"
	"github.com/penstock-dev/penstock/pipelines/page"
)

// DriftFile is the page of a run.
const DriftFile = "drift.md"

var driftIcons = map[DriftOutcome]string{Clean: "✅", Drifted: "🟠", Failing: "⛔"}

// driftPage is the page of a run, the worst first, in as much room as the summary of
// a job has. What is left out is counted.
func driftPage(r *pipelines.Report, targets []Target, looks map[string]look) string {
	list := slices.Clone(targets)
	rank := func(t Target) int {
		return slices.Index([]DriftOutcome{Failing, "", Drifted, Clean}, looks[t.ID()].outcome)
	}
	slices.SortStableFunc(list, func(a, b Target) int { return cmp.Compare(rank(a), rank(b)) })
	counts := map[DriftOutcome]int{}
	for _, t := range targets {
		counts[cmp.Or(looks[t.ID()].outcome, Failing)]++
	}
	reasons := map[string]string{}
	for _, result := range r.Results {
		reasons[result.Unit] = result.Reason
	}
	var b strings.Builder
	fmt.Fprintf(&b, "## Drift: %s: %d drifted, %d clean, %d could not be looked at\n", many(len(targets), "target"), counts[Drifted], counts[Clean], counts[Failing])
	for i, n := range r.Notices {
		if i == 20 {
			fmt.Fprintf(&b, "\n%s left out here.\n", many(len(r.Notices)-i, "more notice"))
			break
		}
		b.WriteString("\n- " + markdown.Prose(n.Message))
	}
	b.WriteString("\n\n| target | outcome | |\n|---|---|---|\n")
	for _, part := range []func(Target) string{
		func(t Target) string {
			outcome := cmp.Or(looks[t.ID()].outcome, Failing)
			return fmt.Sprintf("| %s | %s %s | %s |\n", targetName(t), driftIcons[outcome], outcome, markdown.Prose(reasons[t.ID()]))
		},
		func(t Target) string {
			if looks[t.ID()].outcome != Drifted {
				return ""
			}
			return fmt.Sprintf("\n<details><summary>%s</summary>\n\n%s\n</details>\n", targetName(t), looks[t.ID()].lines(8_000))
		},
	} {
		for i, t := range list {
			text := part(t)
			if b.Len()+len(text) > page.SummaryLimit-200 {
				fmt.Fprintf(&b, "\n%s left out here.\n", many(len(list)-i, "more target"))
				break
			}
			b.WriteString(text)
		}
	}
	return b.String()
}

func targetName(t Target) string {
	return markdown.Inert(markdown.Name(t.Unit.Path)) + " in " + markdown.Prose(t.Environment.Name)
}

// lines are the differences as a list in Markdown, of at most about room bytes.
func (l look) lines(room int) string {
	var b strings.Builder
	for i, d := range l.differences {
		line := "- " + markdown.Prose(d.Address) + " " + markdown.Prose(d.said()) + "\n"
		if b.Len()+len(line) > room {
			fmt.Fprintf(&b, "- %s left out here\n", many(len(l.differences)-i, "more resource"))
			break
		}
		b.WriteString(line)
	}
	if l.omitted > 0 {
		fmt.Fprintf(&b, "- %s left out of what was read\n", many(l.omitted, "more resource"))
	}
	return b.String()
}

// issueRoom is how much of an issue lists what drifted, in bytes: less than what a
// forge takes.
const issueRoom = 50_000

// issueOf is what is to become of the issue of a target, nil where it stays as it is.
func issueOf(t Target, seen look, before, now Look) *forge.Issue {
	issue := &forge.Issue{Key: leaseOf(t)}
	switch {
	case seen.outcome == Clean && !before.Issue && before.Outcome == Clean:
		return nil // asking the forge about each clean target would take most of the run
	case seen.outcome == Clean:
		issue.Body = fmt.Sprintf("Clean again: seen %s.", now.At.UTC().Format(time.RFC3339))
	case seen.outcome == Failing && now.Errors < 2:
		return nil // it may be the network: what is known stays
	default:
		issue.Open, issue.Title, issue.Body = true, issueTitle(t, seen), issueBody(t, seen, now)
	}
	return issue
}

func issueTitle(t Target, seen look) string {
	what := "Drift"
	if seen.outcome == Failing {
		what = "No look for drift"
	}
	return fmt.Sprintf("%s: %.150s in %s", what, markdown.Name(t.Unit.Path), t.Environment.Name)
}

// issueBody says nothing that changes from run to run while the drift stays: it is
// the same text, and nobody is told again.
func issueBody(t Target, seen look, now Look) string {
	var b strings.Builder
	if seen.outcome == Failing {
		fmt.Fprintf(&b, "%s cannot be looked at, so nobody knows whether it drifts.\n\n", targetName(t))
		if now.Since != nil {
			fmt.Fprintf(&b, "When it could, it was drifted since %s.\n\n", now.Since.UTC().Format(time.DateOnly))
		}
		b.WriteString(markdown.Prose(seen.failure.Reason) + "\n")
		for i, f := range seen.failure.Findings {
			if i == 20 {
				fmt.Fprintf(&b, "- %s\n", many(len(seen.failure.Findings)-i, "more finding"))
				break
			}
			fmt.Fprintf(&b, "- %s\n", markdown.Prose(fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Message)))
		}
		if seen.failure.Hint != "" {
			b.WriteString("\nhint: " + markdown.Prose(seen.failure.Hint) + "\n")
		}
	} else {
		fmt.Fprintf(&b, "%s: %s. First seen %s.\n\n%s", targetName(t), seen.counted(), now.Since.UTC().Format(time.DateOnly), seen.lines(issueRoom))
		b.WriteString("\nApply it, take the change into the code, or name the attribute under live.drift.ignore in penstock.yaml.\n")
	}
	b.WriteString("\nLook again: " + markdown.Code(t.command("drift", "", "")) + "\n\nThis issue is closed by itself when a look finds nothing.\n")
	return b.String()
}
