package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/markdown"
	"github.com/penstock-dev/penstock/pipelines/redact"
	"github.com/penstock-dev/penstock/pipelines/risk"
)

// errorTails are the errors of all targets, not folded. They have at most half of
// the room, shared by the targets that failed, and of each its end.
func errorTails(list []Target, room int) string {
	var failed []Target
	for _, t := range list {
		if len(t.Errors) > 0 || t.failed() || t.Outcome == Refused {
			failed = append(failed, t)
		}
	}
	if len(failed) == 0 {
		return ""
	}
	const least = 300 // below that, an error says nothing
	shown := min(len(failed), max(1, room/2/least))
	share := room / 2 / shown
	var b strings.Builder
	b.WriteString("\n### Errors\n")
	for i, t := range failed[:shown] {
		section := errorTail(t, share)
		if b.Len()+len(section) > room-sayLeftOut {
			shown = i
			break
		}
		b.WriteString(section)
	}
	if shown < len(failed) {
		fmt.Fprintf(&b, "\nThe errors of %d more targets are left out here: they are in the summary of each.\n", len(failed)-shown)
	}
	return b.String()
}

// errorTail is what went wrong with one target, in at most room bytes.
func errorTail(t Target, room int) string {
	title := fmt.Sprintf("\n**%s**: %s\n", t.name(), t.ended())
	lines := t.Errors
	if len(lines) == 0 {
		lines = t.Why
	}
	if len(lines) == 0 {
		lines = []string{"nothing says why"}
	}
	const fences, cut = "\n````text\n````\n", "... "
	room -= len(title) + len(fences) + len(cut) + 1
	var body []string
	for _, line := range slices.Backward(lines) {
		line = fenced(line)
		if len(line)+1 > room {
			if room > len(line)/4 && room > 60 {
				line = strings.ToValidUTF8(line[len(line)-room+len(cut):], "")
			} else {
				line = ""
			}
			body = append(body, cut+line)
			break
		}
		room -= len(line) + 1
		body = append(body, line)
	}
	slices.Reverse(body)
	return title + "\n````text\n" + strings.Join(body, "\n") + "\n````\n"
}

// fenced is a line within a fence: it does not begin with what would end it.
func fenced(line string) string {
	return strings.ReplaceAll(markdown.Printable(line), "````", "` ` ` `")
}

// table has a row for each target, as many as have room in a third of the page.
func table(list []Target, room int) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n| target | outcome | changes | risk | policies |\n|---|---|---|---|---|\n")
	for i, t := range list {
		row := row(t)
		if b.Len()+len(row)+sayLeftOut > max(room/2, min(room, 4_000)) {
			if i == 0 {
				return fmt.Sprintf("\n%s are left out here.\n", many(len(list), "target"))
			}
			fmt.Fprintf(&b, "| %s less urgent left out | | | | |\n", many(len(list)-i, "target"))
			break
		}
		b.WriteString(row)
	}
	return b.String()
}

func row(t Target) string {
	changes, level := "", ""
	if t.Outcome == Changes && t.Summary != nil {
		changes, level = counted(t.Summary.Counts), string(levelOf(t))
	}
	return fmt.Sprintf("| %s %s | %s | %s | %s | %s |\n", t.icon(), t.name(), t.ended(), changes, level, markdown.Prose(t.verdict().String()))
}

// details are the folded parts of the targets, the worst first.
func details(list []Target, room int) string {
	var b strings.Builder
	var detailed []Target
	for _, t := range list {
		if !t.empty() {
			detailed = append(detailed, t)
		}
	}
	for i, t := range detailed {
		left := room - b.Len() - sayLeftOut
		part := detail(t, max(left/2, min(left, 6_000)))
		if len(part) > left {
			fmt.Fprintf(&b, "\nThe details of %s are left out here: they are in the summary of each.\n", many(len(detailed)-i, "target"))
			break
		}
		b.WriteString(part)
	}
	return b.String()
}

func (t Target) empty() bool {
	return t.Summary == nil && len(t.Verdicts) == 0 && len(t.Risk.Reasons) == 0 && len(t.Why) < 2 && t.CapsuleDigest == ""
}

// section is a titled list of lines, of which as many are kept as have room.
type section struct {
	title, begin, end string
	lines             []string
	noun              string
}

// detail is one target, folded, in at most about room bytes.
func detail(t Target, room int) string {
	const end = "\n</details>\n"
	var b strings.Builder
	fmt.Fprintf(&b, "\n<details><summary>%s %s: %s</summary>\n", t.icon(), t.name(), summaryLine(t))
	for _, line := range facts(t) {
		if b.Len()+len(line)+len(end)+3 < room {
			b.WriteString("\n" + line + "\n")
		}
	}
	for i, s := range []section{reasons(t), findings(t), changes(t.Summary), outputs(t.Summary)} {
		left := room - b.Len() - len(end)
		if i < 2 {
			left = left * 2 / 3 // so that what changes is seen too
		}
		if len(s.lines) > 0 {
			b.WriteString(s.render(left))
		}
	}
	b.WriteString(end)
	return b.String()
}

func summaryLine(t Target) string {
	if t.Outcome == Changes && t.Summary != nil {
		return fmt.Sprintf("%s, risk %s", counted(t.Summary.Counts), levelOf(t))
	}
	return t.ended()
}

// facts are the lines about the target itself.
func facts(t Target) []string {
	var lines []string
	if len(t.Why) > 0 {
		lines = append(lines, "Why: "+markdown.Prose(strings.Join(t.Why, " <- ")))
	}
	if t.CapsuleDigest != "" {
		lines = append(lines, "Sealed plan: <code>"+markdown.Prose(t.CapsuleDigest)+"</code>")
	}
	if t.Summary != nil && !t.Summary.Complete {
		lines = append(lines, "The plan covers a part only.")
	}
	return append(lines, "Reproduce: "+markdown.Code(reproduce(t)))
}

func (s section) render(room int) string {
	begin, end := "\n"+s.title+"\n\n"+s.begin, s.end
	used := len(begin) + len(end)
	kept := 0
	for _, line := range s.lines {
		if used+len(line)+1 > room-sayLeftOut {
			break
		}
		used += len(line) + 1
		kept++
	}
	left := ""
	if more := len(s.lines) - kept; more > 0 {
		left = fmt.Sprintf("\n%s left out here.\n", many(more, "more "+s.noun))
	}
	if kept == 0 {
		return "\n" + s.title + ":" + strings.TrimPrefix(left, "\n")
	}
	return begin + strings.Join(s.lines[:kept], "\n") + "\n" + end + left
}

// reasons are the reasons for the risk. Of low ones, which are many and alike, one
// line says how many there are.
func reasons(t Target) section {
	s := section{title: "**Risk**", noun: "reason"}
	low, order := map[string][]string{}, []string{}
	for _, r := range t.Risk.Reasons {
		line := fmt.Sprintf("- %s %s: %s", cmp.Or(icons[r.Level], icons[risk.Destructive]), markdown.Prose(string(r.Level)), markdown.Prose(r.Message))
		if r.Level == risk.Low {
			if line += " · " + markdown.Prose(r.Rule); low[line] == nil {
				order = append(order, line)
			}
			low[line] = append(low[line], r.Address)
			continue
		}
		if r.Address != "" {
			line += " · " + markdown.Prose(r.Address)
		}
		s.lines = append(s.lines, line+" · "+markdown.Prose(r.Rule))
	}
	for _, line := range order {
		const few = 3
		addresses := low[line]
		text := strings.Join(addresses[:min(few, len(addresses))], ", ")
		if more := len(addresses) - few; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		s.lines = append(s.lines, line+" · "+markdown.Prose(text))
	}
	return s
}

func findings(t Target) section {
	s := section{title: "**Policies**", noun: "finding"}
	for _, r := range t.Verdicts {
		for _, f := range r.Findings {
			line := fmt.Sprintf("- %s: %s", f.Verdict, markdown.Prose(f.Message))
			if f.Resource != "" {
				line += " · " + markdown.Prose(f.Resource)
			}
			line += " · " + markdown.Prose(r.Stage+"/"+f.Rule)
			if f.Hint != "" {
				line += " · hint: " + markdown.Prose(f.Hint)
			}
			s.lines = append(s.lines, line)
		}
		if len(r.Findings) == 0 && r.Verdict != pipelines.Pass {
			s.lines = append(s.lines, fmt.Sprintf("- %s: %s", markdown.Prose(r.Verdict.String()), markdown.Prose(cmp.Or(r.Reason, "no reason given")+" · "+r.Stage)))
		}
	}
	return s
}

// changes are the resources in a fence that colours them.
func changes(s *redact.Summary) section {
	out := section{title: "**Changes**", begin: "````diff\n", end: "````\n", noun: "line"}
	if s == nil {
		return out
	}
	var module func(redact.Module)
	module = func(m redact.Module) {
		if m.Address != "" && len(m.Changes) > 0 {
			out.lines = append(out.lines, "@@ "+fenced(m.Address)+" @@")
		}
		for _, c := range m.Changes {
			out.lines = append(out.lines, changeLines(c)...)
		}
		for _, inner := range m.Modules {
			module(inner)
		}
	}
	module(s.Root)
	if s.Omitted.Changes > 0 {
		out.lines = append(out.lines, fmt.Sprintf("! %d more changes are left out of the summary", s.Omitted.Changes))
	}
	return out
}

var signs = map[redact.Action]string{"create": "+", "update": "!", "delete": "-", "replace": "-", "read": "#", "forget": "-", "no_op": "#"}

func changeLines(c redact.Change) []string {
	sign := cmp.Or(signs[c.Action], "-")
	title := fmt.Sprintf("%s %s %s", sign, strings.ReplaceAll(string(c.Action), "_", "-"), fenced(c.Address))
	for _, more := range []struct {
		on   bool
		text string
	}{{c.From != "", " (moved from " + fenced(c.From) + ")"}, {c.Import, " (imported)"}, {c.Deposed, " (deposed)"},
		{c.Reason != "", " (" + fenced(strings.ReplaceAll(c.Reason, "_", " ")) + ")"}} {
		if more.on {
			title += more.text
		}
	}
	lines := []string{title}
	for _, a := range c.Attributes {
		forces := ""
		if a.Replaces {
			forces = " # replaces it"
		}
		lines = append(lines, fmt.Sprintf("%s     %s: %s%s", sign, fenced(a.Path), transition(a.Before, a.After), forces))
	}
	if c.Omitted > 0 {
		lines = append(lines, fmt.Sprintf("%s     %d more attributes are left out of the summary", sign, c.Omitted))
	}
	return lines
}

func transition(before, after *redact.Value) string {
	switch {
	case before == nil:
		return text(after)
	case after == nil:
		return text(before) + " -> not set"
	}
	return text(before) + " -> " + text(after)
}

func text(v *redact.Value) string {
	switch {
	case v == nil:
		return "not set"
	case v.Masked != "":
		return "(" + v.Masked.String() + ")"
	}
	return fenced(string(v.Shown))
}

func outputs(s *redact.Summary) section {
	out := section{title: "**Outputs**", begin: "````diff\n", end: "````\n", noun: "output"}
	if s == nil {
		return out
	}
	for _, o := range s.Outputs {
		out.lines = append(out.lines, fmt.Sprintf("%s %s: %s", cmp.Or(signs[o.Action], "-"), fenced(o.Name), transition(o.Before, o.After)))
	}
	return out
}
