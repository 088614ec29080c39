package release

import (
	"fmt"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/internal/markdown"
)

// shownCommits is how many commits an entry lists.
const shownCommits = 50

// changelog is the entry of a release, in Markdown. What others wrote means nothing in it.
func changelog(m *Module, date string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s (%s)\n\n", m.Version, date)
	for _, u := range m.Severity.Because {
		fmt.Fprintf(&b, "**Timely, by %s:** %s", u.Deadline, markdown.Prose(u.Reason))
		if u.Advisory != "" {
			fmt.Fprintf(&b, " (%s)", markdown.Prose(u.Advisory))
		}
		b.WriteString("\n\n")
	}
	for _, note := range m.notes {
		fmt.Fprintf(&b, "%s\n\n", markdown.Prose(note))
	}
	if m.Previous == nil {
		b.WriteString("First release.\n\n")
	}
	for _, s := range []struct {
		step  Step
		title string
	}{{Major, "Breaking"}, {Minor, "Added"}, {Patch, "Changed"}} {
		var lines []string
		for _, c := range m.Changes {
			if c.Step == s.step {
				lines = append(lines, "- "+proseWithCode(c.Text)+"\n")
			}
		}
		if len(lines) > 0 {
			fmt.Fprintf(&b, "### %s\n\n%s\n", s.title, strings.Join(lines, ""))
		}
	}
	if m.Previous != nil && len(m.Changes) == 0 {
		b.WriteString("The interface did not change.\n\n")
	}
	if len(m.Commits) > 0 {
		b.WriteString("### Commits\n\n")
		for i, c := range m.Commits {
			if i == shownCommits {
				fmt.Fprintf(&b, "- and %d more\n", len(m.Commits)-i)
				break
			}
			fmt.Fprintf(&b, "- %s (%.12s)\n", markdown.Prose(c.Subject), c.Hash)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// proseWithCode shows what stands between backquotes as code.
func proseWithCode(text string) string {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		switch {
		case i%2 == 1:
			b.WriteString(markdown.Code(part))
		case strings.TrimSpace(part) == "":
			b.WriteString(part)
		default: // Inert trims, and the space around code has to stay
			lead, tail := part[:len(part)-len(strings.TrimLeft(part, " "))], part[len(strings.TrimRight(part, " ")):]
			b.WriteString(lead + markdown.Printable(strings.TrimSpace(part)) + tail)
		}
	}
	return b.String()
}
