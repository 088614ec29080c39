package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// The sizes that GitHub allows, less some room: 65,536 characters for a comment,
// 1 MiB for the summary of a step, beyond which it drops the whole.
const (
	CommentLimit = 65_000
	SummaryLimit = 1_000_000
)

// noticesShown is how many notices are shown.
const noticesShown = 10

// Markdown renders the report for a comment or a job summary, in at most limit
// bytes, and so in at most as many characters: the worst first, each part whole
// or not at all, and how much was left out. It is an error if limit is too small
// for the summary alone.
func Markdown(w io.Writer, r *pipelines.Report, limit int) error {
	head, foot := markdownHead(r), ""
	if command := reproduce(r); command != "" {
		foot = "\nReproduce: " + code(command) + "\n"
	}
	const rest = 100 // for the line that says what was left out
	room := limit - len(head) - len(foot) - rest
	if room < 0 {
		return fmt.Errorf("rendering a report as Markdown: %d bytes are too few", limit)
	}
	var body strings.Builder
	list := worstFirst(blocks(r))
	for i, b := range list {
		section := markdownBlock(b, room)
		if len(section) > room {
			fmt.Fprintf(&body, "\n%d more parts are in the full report.\n", len(list)-i)
			break
		}
		room -= len(section)
		body.WriteString(section)
	}
	_, err := io.WriteString(w, head+body.String()+foot)
	return err
}

var icons = map[pipelines.Verdict]string{pipelines.Pass: "✅", pipelines.Waived: "☑️", pipelines.Unknown: "❔",
	pipelines.Fail: "❌", pipelines.NotRun: "⛔"}

func markdownHead(r *pipelines.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s Penstock: %s\n\n%s\n\n| stage | verdicts |\n|---|---|\n", icons[r.Verdict], r.Verdict, inertMarkdown(Headline(r)))
	for _, stage := range stagesOf(r) {
		fmt.Fprintf(&b, "| %s | %s |\n", prose(stage), tallyOf(r, stage))
	}
	for _, skip := range r.Skipped {
		fmt.Fprintf(&b, "| %s | skipped: %s |\n", prose(skip.Stage), prose(skip.Reason))
	}
	for i, n := range r.Notices {
		if i == 0 {
			b.WriteString("\n")
		}
		if i == noticesShown {
			fmt.Fprintf(&b, "- %d more notices are in the full report\n", len(r.Notices)-i)
			break
		}
		fmt.Fprintf(&b, "- %s\n", inertMarkdown(place(pipelines.Position{Path: n.Path, Line: n.Line})+Printable(n.Message)))
	}
	return b.String()
}

// markdownBlock is one part, folded. It takes at most half of the room, so that
// the findings of one unit do not hide all others: the first of them are kept.
func markdownBlock(b block, room int) string {
	var s strings.Builder
	fmt.Fprintf(&s, "\n<details><summary>%s %s: %s</summary>\n\n", icons[b.Verdict], prose(b.Stage), inertMarkdown(b.headline()))
	for _, line := range b.lines() {
		s.WriteString(line + "\n\n")
	}
	s.WriteString(markdownCases(b, room/4))
	if len(b.Findings) > 0 {
		s.WriteString("| where | what | rule |\n|---|---|---|\n")
	}
	const rest = 100 // for the row that says what was left out, and the end
	for i, f := range b.Findings {
		row := markdownRow(f)
		if s.Len()+len(row)+rest > room/2 && i > 0 || s.Len()+len(row)+rest > room {
			fmt.Fprintf(&s, "| | %d more findings are in the full report | |\n", len(b.Findings)-i)
			break
		}
		s.WriteString(row)
	}
	return strings.TrimRight(s.String(), "\n") + "\n\n</details>\n"
}

func (b block) headline() string {
	if len(b.units) > 1 {
		return fmt.Sprintf("%d units", len(b.units))
	}
	return name(b.Unit)
}

// lines are what is said of a block before its findings, ready for Markdown.
func (b block) lines() []string {
	var lines []string
	if len(b.units) > 1 {
		lines = append(lines, inertMarkdown(b.members()))
	} else if len(b.Why) > 1 {
		lines = append(lines, inertMarkdown(chain(b.Why)))
	}
	if b.Reason != "" {
		lines = append(lines, prose(b.Reason))
	}
	if b.Hint != "" {
		lines = append(lines, "hint: "+prose(b.Hint))
	}
	return lines
}

func markdownRow(f pipelines.Finding) string {
	what := told(f)
	if f.Verdict != pipelines.Fail {
		what = f.Verdict.String() + ": " + what
	}
	cell := prose(what)
	if f.Waiver != nil {
		cell += "<br>" + inertMarkdown(excuse(f.Waiver))
	}
	if f.Hint != "" {
		cell += "<br>hint: " + prose(f.Hint)
	}
	where := inertMarkdown(strings.TrimSuffix(place(f.Position), ": "))
	return fmt.Sprintf("| %s | %s | %s |\n", where, cell, prose(f.Rule))
}

// judging are the stages of penstock check.
var judging = []string{"terraform-fmt", "terraform-validate", "tflint", "compliance"}

// reproduce is the command that gives the same report, "" where it is not one of penstock
// check: what else there is cannot be told from its stages.
func reproduce(r *pipelines.Report) string {
	if slices.ContainsFunc(r.Stages, func(stage string) bool { return !slices.Contains(judging, stage) }) {
		return ""
	}
	command := "penstock check"
	if r.Selection.Base != "" {
		command += " --base " + r.Selection.Base
	}
	if r.Selection.Head != "" {
		command += " --head " + r.Selection.Head
	}
	if r.Selection.All {
		command += " --all"
	}
	if len(r.Stages) > 0 {
		command += " --stages " + strings.Join(r.Stages, ",")
	}
	return command
}
