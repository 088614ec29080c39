package page

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/markdown"
	"github.com/penstock-dev/penstock/pipelines/internal/shell"
	"github.com/penstock-dev/penstock/pipelines/redact"
	"github.com/penstock-dev/penstock/pipelines/risk"
)

// Page writes one page for all targets in at most limit bytes: the marker, how many
// of what, what needs a person, the errors, a table of the targets and, folded,
// their details, the worst first. Each part is whole or said to be left out; the
// errors are cut last. It is an error if limit is too small for the counts alone.
func Page(w io.Writer, targets []Target, limit int) error {
	list := slices.Clone(targets)
	slices.SortStableFunc(list, func(a, b Target) int {
		return cmp.Or(cmp.Compare(b.weight(), a.weight()), cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Unit, b.Unit))
	})
	head, foot := head(list), foot(list)
	room := limit - len(head) - len(foot) - 4*sayLeftOut
	if room < 0 {
		return fmt.Errorf("writing the page of the plan: %d bytes are too few", limit)
	}
	var b strings.Builder
	b.WriteString(head)
	for _, part := range []func([]Target, int) string{errorTails, table, details} {
		text := part(list, room)
		room -= len(text)
		b.WriteString(text)
	}
	b.WriteString(foot)
	_, err := io.WriteString(w, b.String())
	return err
}

// sayLeftOut is room for one line that says what was left out.
const sayLeftOut = 120

// failed tells whether a target has nothing that can be reviewed. An outcome that
// nobody knows, or changes without a summary of them, are no plan either.
func (t Target) failed() bool {
	switch t.Outcome {
	case NoChanges, Deferred, Refused:
		return false
	case Changes:
		return t.Summary == nil
	}
	return true
}

// verdict is the worst of what the policies say; "" if none was asked.
func (t Target) verdict() pipelines.Verdict {
	var worst pipelines.Verdict
	for _, r := range t.Verdicts {
		if worst == "" {
			worst = r.Verdict
		}
		worst = worst.Worse(r.Verdict)
		for _, f := range r.Findings {
			worst = worst.Worse(f.Verdict)
		}
	}
	return worst
}

// weight orders targets: the heavier, the sooner a person has to look.
func (t Target) weight() int {
	weight := 0
	switch {
	case t.failed():
		return 100
	case t.Outcome == Refused:
		return 90
	case t.Outcome == Deferred:
		weight = 15
	case t.Outcome == Changes:
		weight = 10 + 20*t.Risk.Level.Rank()
	}
	switch t.verdict() {
	case "", pipelines.Pass, pipelines.Waived:
		return weight
	case pipelines.Unknown:
		return weight + 5
	}
	return weight + 15
}

var icons = map[risk.Level]string{risk.None: "⚪", risk.Low: "🟢", risk.High: "🟠", risk.Destructive: "🔴"}

func (t Target) icon() string {
	switch {
	case t.failed(), t.Outcome == Refused:
		return "⛔"
	case t.Outcome == Deferred:
		return "⏳"
	case t.Outcome == NoChanges:
		return "✅"
	}
	return cmp.Or(icons[t.Risk.Level], icons[risk.Destructive])
}

func (t Target) name() string {
	return markdown.Inert(markdown.Name(t.Unit)) + " in " + markdown.Prose(t.Environment)
}

// ended is how it ended, in words.
func (t Target) ended() string {
	switch {
	case t.Outcome == Changes && t.Summary != nil:
		return "changes"
	case t.Outcome == Changes:
		return "error: there is no summary of its plan"
	case t.Outcome == NoChanges:
		return "no changes"
	case t.Outcome == Refused:
		return "refused"
	case t.Outcome == Deferred:
		return fmt.Sprintf("to be planned again after wave %d", t.Wave)
	case t.Outcome == Failed:
		return "error"
	}
	return "error: its outcome is not known"
}

// head is the marker, the counts and what needs a person.
func head(list []Target) string {
	var b strings.Builder
	b.WriteString(Marker + "\n")
	level, total := risk.None, redact.Counts{}
	outcomes := map[string]int{}
	for _, t := range list {
		level = level.Worse(levelOf(t))
		outcome := t.Outcome
		if t.failed() {
			outcome = Failed
		}
		outcomes[string(outcome)]++
		if t.Summary != nil && t.Outcome == Changes {
			add(&total, t.Summary.Counts)
		}
	}
	fmt.Fprintf(&b, "## %s Plan: %s\n\n", icons[level], headline(list, outcomes))
	fmt.Fprintf(&b, "**%s** · risk: **%s**\n\n", counted(total), level)
	for _, line := range persons(list) {
		b.WriteString("- " + line + "\n")
	}
	return b.String()
}

// levelOf is the level of a target: of one that failed nobody knows it.
func levelOf(t Target) risk.Level {
	switch {
	case t.failed():
		return risk.Destructive
	case t.Outcome != Changes:
		return risk.None
	case !slices.Contains(risk.Levels, t.Risk.Level):
		return risk.Destructive
	}
	return t.Risk.Level
}

func headline(list []Target, outcomes map[string]int) string {
	if len(list) == 0 {
		return "no targets"
	}
	var parts []string
	for _, o := range []struct {
		outcome Outcome
		text    string
	}{{Failed, "failed"}, {Refused, "refused"}, {Changes, "with changes"}, {Deferred, "deferred"}, {NoChanges, "without changes"}} {
		if n := outcomes[string(o.outcome)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o.text))
		}
	}
	return fmt.Sprintf("%s: %s", many(len(list), "target"), strings.Join(parts, ", "))
}

func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func add(total *redact.Counts, c redact.Counts) {
	total.Create += c.Create
	total.Update += c.Update
	total.Delete += c.Delete
	total.Replace += c.Replace
	total.Read += c.Read
	total.Forget += c.Forget
	total.Other += c.Other
	total.Import += c.Import
	total.Move += c.Move
	total.Outputs += c.Outputs
	total.Deferred += c.Deferred
	total.Drift += c.Drift
}

// counted are the counts in words, what is lost first.
func counted(c redact.Counts) string {
	var parts []string
	for _, p := range []struct {
		n    int
		text string
	}{{c.Other, "unknown"}, {c.Delete, "to delete"}, {c.Replace, "to replace"}, {c.Forget, "to forget"}, {c.Update, "to update"},
		{c.Create, "to create"}, {c.Import, "to import"}, {c.Move, "moved"}, {c.Read, "to look up"}, {c.Deferred, "deferred"},
		{c.Outputs, "outputs"}, {c.Drift, "drifted"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.text))
		}
	}
	if len(parts) == 0 {
		return "nothing to change"
	}
	return strings.Join(parts, ", ")
}

// persons are the reasons why a person has to look, counted over all targets.
func persons(list []Target) []string {
	var failed, refused, destructive, high, policies, unsure, partial, approve int
	for _, t := range list {
		switch {
		case t.failed():
			failed++
		case t.Outcome == Refused:
			refused++
		case t.Outcome == Changes && levelOf(t) == risk.Destructive:
			destructive++
		case t.Outcome == Changes && t.Risk.Level == risk.High:
			high++
		case t.Outcome == Changes && t.Approve: // at a lower risk: the environment asks all the same
			approve++
		}
		switch t.verdict() {
		case pipelines.Unknown:
			unsure++
		case pipelines.Fail, pipelines.NotRun:
			policies++
		}
		if t.Summary != nil && !t.Summary.Complete {
			partial++
		}
	}
	var lines []string
	for _, p := range []struct {
		n    int
		text string
	}{{failed, "failed: nobody knows what they would change"}, {refused, "refused: they were not planned"},
		{destructive, "destructive: data may be lost, or nobody knows better"}, {high, "high risk: somebody has to look at the reasons below"},
		{policies, "against the policies, or not judged by them"}, {unsure, "undecided by the policies"},
		{partial, "planned in part only"}, {approve, "to be approved, as the environment wants of every such change"}} {
		if p.n > 0 {
			lines = append(lines, many(p.n, "target")+" "+p.text)
		}
	}
	if len(lines) == 0 {
		return []string{"nothing here asks for a person"}
	}
	lines[0] = "**needs a person**: " + lines[0]
	return lines
}

// foot is how to see the same, of the target that a person has to look at first.
func foot(list []Target) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return "\nReproduce: " + markdown.Code(reproduce(list[0])) + "\n"
	}
	return "\nReproduce one target, such as the first: " + markdown.Code(reproduce(list[0])) + "\n"
}

func reproduce(t Target) string {
	if t.Reproduce != "" {
		return t.Reproduce
	}
	return shell.Line("penstock", "plan", "--environment", cmp.Or(t.Environment, "ENVIRONMENT"), "--unit", t.Unit, "--out", "plans")
}
