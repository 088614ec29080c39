package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/sethvargo/go-githubactions"

	"github.com/penstock-dev/penstock/pipelines"
)

// annotations is how many of one kind GitHub shows for a step.
const annotations = 10

// GitHub writes annotations beside the lines in question, and the summary of the
// step where there is one. GitHub shows only some annotations of each kind, so
// the worst come first and what is left out is said.
func GitHub(action *githubactions.Action, r *pipelines.Report) error {
	var failed, unsure, told []annotation
	for _, b := range worstFirst(blocks(r)) {
		if b.Verdict == pipelines.NotRun {
			failed = append(failed, notRun(b))
		}
		for _, f := range b.Findings {
			switch f.Verdict {
			case pipelines.Fail:
				failed = append(failed, found(b.Stage, f))
			case pipelines.Unknown:
				unsure = append(unsure, found(b.Stage, f))
			}
		}
	}
	for _, n := range r.Notices {
		told = append(told, annotation{at: pipelines.Position{Path: n.Path, Line: n.Line}, title: "penstock", text: Printable(n.Message)})
	}
	annotate(action, failed, (*githubactions.Action).Errorf)
	annotate(action, unsure, (*githubactions.Action).Warningf)
	annotate(action, told, (*githubactions.Action).Noticef)
	if action.Getenv("GITHUB_STEP_SUMMARY") == "" {
		return nil
	}
	var summary bytes.Buffer
	if err := Markdown(&summary, r, SummaryLimit); err != nil {
		return err
	}
	return addSummary(action, summary.String())
}

// addSummary turns the library's panic, on a full disk for one, into an error.
func addSummary(action *githubactions.Action, text string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("writing the summary of the step: %v", p)
		}
	}()
	action.AddStepSummary(text)
	return nil
}

// annotation is what is said at a place; of what was not run there is none.
type annotation struct {
	at          pipelines.Position
	title, text string
	weight      int
}

func notRun(b block) annotation {
	text := b.headline() + ": " + Printable(b.Reason)
	if len(b.units) > 1 {
		text += "\n" + b.members()
	}
	return annotation{title: Printable(b.Stage) + " was not run", text: hinted(text, b.Hint), weight: len(severities) + 1}
}

func found(stage string, f pipelines.Finding) annotation {
	return annotation{at: f.Position, title: Printable(stage) + "/" + Printable(f.Rule), text: hinted(Printable(told(f)), f.Hint),
		weight: 1 + slices.Index(severities, f.Severity)}
}

func hinted(text, hint string) string {
	if hint == "" {
		return text
	}
	return text + "\nhint: " + Printable(hint)
}

var severities = []pipelines.Severity{pipelines.Low, pipelines.Medium, pipelines.High, pipelines.Critical}

func annotate(action *githubactions.Action, list []annotation, say func(*githubactions.Action, string, ...any)) {
	slices.SortStableFunc(list, func(a, b annotation) int { return cmp.Compare(b.weight, a.weight) })
	for i, a := range list {
		if i == annotations-1 && len(list) > annotations {
			say(action, "%s", fmt.Sprintf("%d more are in the report", len(list)-i))
			return
		}
		say(action.WithFieldsMap(a.fields()), "%s", place(a.at)+a.text)
	}
}

// fields are the properties of the command that are known.
func (a annotation) fields() map[string]string {
	fields := map[string]string{"title": a.title}
	if a.at.Path == "" || a.at.Path != name(a.at.Path) { // a file that cannot be named is not pointed at
		return fields
	}
	fields["file"] = a.at.Path
	for key, n := range map[string]int{"line": a.at.Line, "col": a.at.Column, "endLine": a.at.EndLine} {
		if n > 0 && a.at.Line > 0 {
			fields[key] = strconv.Itoa(n)
		}
	}
	return fields
}
