package report

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/sethvargo/go-githubactions"

	"github.com/penstock-dev/penstock/pipelines"
)

// annotations is how many of one kind GitHub shows for a step.
const annotations = 10

// GitHub writes annotations beside the lines in question and the step summary.
// GitHub shows only some of each kind, so the worst come first and what is
// left out is said.
func GitHub(action *githubactions.Action, r *pipelines.Report) error {
	var failed, unsure []pipelines.Finding
	for _, result := range r.Results {
		if result.Verdict == pipelines.NotRun {
			failed = append(failed, pipelines.Finding{Position: pipelines.Position{Path: result.Unit},
				Rule: result.Stage, Message: "not run: " + result.Reason})
		}
		for _, f := range result.Findings {
			f.Rule = result.Stage + "/" + f.Rule
			switch f.Verdict {
			case pipelines.Fail:
				failed = append(failed, f)
			case pipelines.Unknown:
				unsure = append(unsure, f)
			}
		}
	}
	annotate(failed, func(a *githubactions.Action, text string) { a.Errorf("%s", text) }, action)
	annotate(unsure, func(a *githubactions.Action, text string) { a.Warningf("%s", text) }, action)
	var summary bytes.Buffer
	if err := Markdown(&summary, r, SummaryLimit); err != nil {
		return err
	}
	action.AddStepSummary(summary.String())
	return nil
}

var severities = []pipelines.Severity{pipelines.Low, pipelines.Medium, pipelines.High, pipelines.Critical}

func annotate(list []pipelines.Finding, say func(*githubactions.Action, string), action *githubactions.Action) {
	slices.SortStableFunc(list, func(a, b pipelines.Finding) int {
		return slices.Index(severities, b.Severity) - slices.Index(severities, a.Severity)
	})
	for i, f := range list {
		if i == annotations-1 && len(list) > annotations {
			say(action, fmt.Sprintf("%d more are in the step summary", len(list)-i))
			return
		}
		fields := map[string]string{"title": Printable(f.Rule), "file": f.Path}
		if f.Line > 0 {
			fields["line"] = fmt.Sprint(f.Line)
		}
		message := Printable(f.Message)
		if f.Resource != "" {
			message = Printable(f.Resource) + ": " + message
		}
		say(action.WithFieldsMap(fields), message)
	}
}
