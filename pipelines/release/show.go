package release

import (
	"fmt"
	"io"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/internal/markdown"
)

// JSON is an outcome for machines.
func JSON(o *Outcome) []byte { return file(o) }

// title says in a line what was or would be done.
func (o *Outcome) title() string {
	would := "released"
	switch {
	case o.refused():
		would = "refused"
	case o.DryRun:
		would = "would be released"
	case !o.Pushed && len(o.Modules) > 0:
		would = "not released"
	}
	if len(o.Modules) == 0 && !o.refused() {
		return fmt.Sprintf("nothing to release: %d modules, none of which changed since its last tag", o.Total)
	}
	return fmt.Sprintf("%d of %d modules %s, from commit %.12s", len(o.Modules), o.Total, would, o.Commit)
}

// Text writes an outcome for a terminal.
func Text(w io.Writer, o *Outcome) error {
	var b strings.Builder
	for _, m := range o.Modules {
		was := "first release"
		if m.Previous != nil {
			was = "was " + m.Previous.Version
		}
		fmt.Fprintf(&b, "%s  %s  %s (%s)\n  why: %s\n", markdown.Name(m.Tag), m.Version, m.Step, was, markdown.Printable(m.Why))
		if m.Severity.Level == "timely" {
			fmt.Fprintf(&b, "  timely, by %s: %s\n", m.Severity.Deadline, markdown.Printable(m.Severity.Because[0].Reason))
		}
		for line := range strings.SplitSeq(strings.TrimSpace(m.Changelog), "\n") {
			fmt.Fprintf(&b, "  | %s\n", strings.TrimRight(line, " "))
		}
		b.WriteString("\n")
	}
	for _, r := range o.Refusals {
		fmt.Fprintf(&b, "%s: %s\n", o.refusalWord(r), o.refusalLine(r))
		if r.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", markdown.Printable(r.Hint))
		}
	}
	for _, n := range o.Notices {
		fmt.Fprintf(&b, "notice: %s\n", markdown.Printable(n))
	}
	fmt.Fprintf(&b, "%s\n", o.title())
	_, err := io.WriteString(w, b.String())
	return err
}

func (o *Outcome) refusalWord(r Refusal) string {
	if r.Here && o.DryRun {
		return "would be refused"
	}
	return "refused"
}

func (o *Outcome) refusalLine(r Refusal) string {
	line := markdown.Printable(r.Message) + " [release/" + r.Rule + "]"
	if r.Module != "" {
		line = markdown.Name(r.Module) + ": " + line
	}
	if r.Position.Path != "" {
		line = fmt.Sprintf("%s:%d:%d: %s", markdown.Name(r.Position.Path), r.Position.Line, r.Position.Column, line)
	}
	return line
}

// Markdown writes an outcome as the page of a job or of a pull request.
func Markdown(w io.Writer, o *Outcome) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Release: %s\n\n", markdown.Prose(o.title()))
	if len(o.Modules) > 0 {
		b.WriteString("| module | version | step | why |\n|---|---|---|---|\n")
		for _, m := range o.Modules {
			was := ""
			if m.Previous != nil {
				was = m.Previous.Version + " → "
			}
			fmt.Fprintf(&b, "| %s | %s%s | %s | %s |\n", markdown.Prose(m.Module), was, m.Version, m.Step, cell(m.Why))
		}
		b.WriteString("\n")
	}
	for _, r := range o.Refusals {
		fmt.Fprintf(&b, "- **%s**: %s\n", o.refusalWord(r), markdown.Prose(o.refusalLine(r)))
		if r.Hint != "" {
			fmt.Fprintf(&b, "  %s\n", markdown.Prose(r.Hint))
		}
	}
	for _, n := range o.Notices {
		fmt.Fprintf(&b, "- %s\n", markdown.Prose(n))
	}
	for _, m := range o.Modules {
		fmt.Fprintf(&b, "\n<details><summary>%s</summary>\n\n%s</details>\n", markdown.Prose(m.Tag), m.Changelog)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell is a line with code in it, in a table.
func cell(text string) string { return strings.ReplaceAll(proseWithCode(text), "|", "\\|") }
