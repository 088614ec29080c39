package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/penstock-dev/penstock/pipelines"
)

// The sizes that GitHub allows, in characters, less some room.
const (
	CommentLimit = 65_000
	SummaryLimit = 1_000_000
)

// Markdown renders the report for a comment or a job summary, in at most limit
// characters: the worst units first, each whole or not at all, and how many were
// left out.
func Markdown(w io.Writer, r *pipelines.Report, limit int) error {
	head := markdownHead(r)
	foot := "\nReproduce: `" + reproduce(r) + "`\n"
	results := slices.Clone(r.Results)
	slices.SortStableFunc(results, func(a, b pipelines.Result) int { return rank(b.Verdict) - rank(a.Verdict) })
	room := limit - utf8.RuneCountInString(head) - utf8.RuneCountInString(foot) - 200
	var body strings.Builder
	left := 0
	for _, result := range results {
		if result.Verdict == pipelines.Pass {
			continue
		}
		section := markdownResult(result, room)
		size := utf8.RuneCountInString(section)
		if left > 0 || size > room {
			left++
			continue
		}
		room -= size
		body.WriteString(section)
	}
	if left > 0 {
		fmt.Fprintf(&body, "\n%d more units are in the full report.\n", left)
	}
	for i, n := range r.Notices {
		line := "- notice: " + cell(place(pipelines.Position{Path: n.Path, Line: n.Line})+n.Message) + "\n"
		if size := utf8.RuneCountInString(line); size <= room {
			room -= size
			if i == 0 {
				line = "\n" + line
			}
			body.WriteString(line)
		}
	}
	_, err := io.WriteString(w, head+body.String()+foot)
	return err
}

func rank(v pipelines.Verdict) int { return slices.Index(pipelines.Verdicts, v) }

var icons = map[pipelines.Verdict]string{pipelines.Pass: "✅", pipelines.Waived: "☑️", pipelines.Unknown: "❔",
	pipelines.Fail: "❌", pipelines.NotRun: "⛔"}

func markdownHead(r *pipelines.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s Penstock: %s\n\n%s\n\n| stage | verdicts |\n|---|---|\n", icons[r.Verdict], r.Verdict, cell(Headline(r)))
	for _, stage := range r.Stages {
		counts := map[pipelines.Verdict]int{}
		for _, result := range r.Results {
			if result.Stage == stage {
				counts[result.Verdict]++
			}
		}
		fmt.Fprintf(&b, "| %s | %s |\n", stage, tally(counts))
	}
	for _, skip := range r.Skipped {
		fmt.Fprintf(&b, "| %s | skipped: %s |\n", skip.Stage, cell(skip.Reason))
	}
	return b.String()
}

// markdownResult is one unit in one stage. Of too many findings the first are
// kept, and the end of a long reason, where tools say what went wrong.
func markdownResult(r pipelines.Result, room int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n<details><summary>%s %s: %s</summary>\n\n", icons[r.Verdict], r.Stage, cell(r.Unit))
	if len(r.Why) > 1 {
		fmt.Fprintf(&b, "%s\n\n", cell(strings.Join(r.Why, " <- ")))
	}
	if r.Reason != "" {
		fmt.Fprintf(&b, "%s\n\n", cell(tail(r.Reason, 4000)))
	}
	if r.Hint != "" {
		fmt.Fprintf(&b, "hint: %s\n\n", cell(r.Hint))
	}
	if len(r.Findings) > 0 {
		b.WriteString("| where | what | rule |\n|---|---|---|\n")
	}
	for i, f := range r.Findings {
		message := f.Message
		if f.Resource != "" {
			message = f.Resource + ": " + message
		}
		if f.Verdict != pipelines.Fail {
			message = f.Verdict.String() + ": " + message
		}
		row := fmt.Sprintf("| %s | %s | %s |\n", cell(strings.TrimSuffix(place(f.Position), ": ")), cell(message), cell(f.Rule))
		if utf8.RuneCountInString(b.String())+utf8.RuneCountInString(row)+200 > room {
			fmt.Fprintf(&b, "| | %d more findings | |\n", len(r.Findings)-i)
			break
		}
		b.WriteString(row)
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// tail keeps the end of a text.
func tail(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return "..." + string(runes[len(runes)-limit:])
}

// cell makes text that others wrote mean nothing in Markdown: it can neither end
// a cell nor link, mention or mark up.
func cell(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "`", "&#96;", "@", "&#64;", "[", "&#91;",
		"]", "&#93;", "*", "&#42;", "\\", "&#92;", "://", "&#58;//").Replace(Printable(s))
}

// reproduce is the command that gives the same report.
func reproduce(r *pipelines.Report) string {
	command := "penstock check"
	if r.Selection.Base != "" {
		command += " --base " + r.Selection.Base
	}
	if r.Selection.All {
		command += " --all"
	}
	if len(r.Stages) > 0 {
		command += " --stages " + strings.Join(r.Stages, ",")
	}
	return command
}
