package tflint

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// lintArgv lints one unit; the working directory is the root.
func lintArgv(program, unit, config string) []string {
	return []string{program, "--chdir=" + unit, "--config=" + config, "--format=json", "--no-color"}
}

// initArgv fetches the plugins that a configuration names.
func initArgv(program, config string) []string {
	return []string{program, "--init", "--config=" + config, "--no-color"}
}

// printed is what tflint --format=json prints.
type printed struct {
	Issues []struct {
		Rule struct {
			Name     string `json:"name"`
			Severity string `json:"severity"`
			Link     string `json:"link"`
		} `json:"rule"`
		Message string `json:"message"`
		Range   place  `json:"range"`
	} `json:"issues"`
	Errors []struct {
		Summary  string `json:"summary"`
		Message  string `json:"message"`
		Severity string `json:"severity"`
		Range    *place `json:"range"`
	} `json:"errors"`
}

type place struct {
	Filename string `json:"filename"`
	Start    point  `json:"start"`
	End      point  `json:"end"`
}

type point struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

var severities = map[string]pipelines.Severity{"error": pipelines.High, "warning": pipelines.Medium, "info": pipelines.Low, "notice": pipelines.Low}

// judge judges what tflint left. Its exit code only has to agree: 0 and 2 are a
// whole run, and the configuration may ask for 0 although there are issues.
func judge(unit string, out process.Output) pipelines.Result {
	var said printed
	if err := json.Unmarshal(out.Stdout, &said); err != nil {
		return notRun(fmt.Sprintf("reading what tflint printed: exit %d: %s", out.Exit, printable.Text(string(out.Stderr), 300)), "")
	}
	var result pipelines.Result
	for _, issue := range said.Issues {
		f := pipelines.Finding{Position: position(unit, issue.Range), Rule: printable.Text(issue.Rule.Name, 100), Verdict: pipelines.Fail,
			Severity: severities[issue.Rule.Severity], Message: printable.Text(issue.Message, 600)}
		if issue.Rule.Link != "" {
			f.Hint = "see " + printable.Text(issue.Rule.Link, 300)
		}
		result.Findings = append(result.Findings, f)
	}
	switch {
	case len(said.Errors) > 0:
		e := said.Errors[0]
		reason := strings.TrimPrefix(e.Summary+": "+e.Message, ": ")
		if e.Range != nil {
			reason = fmt.Sprintf("%s:%d:%d: %s", e.Range.Filename, e.Range.Start.Line, e.Range.Start.Column, reason)
		}
		if more := len(said.Errors) - 1; more > 0 {
			reason += fmt.Sprintf(" (and %d more)", more)
		}
		refused := notRun(printable.Text(reason, 600), hint(reason))
		result.Verdict, result.Reason, result.Hint = refused.Verdict, refused.Reason, refused.Hint
	case out.Exit != 0 && out.Exit != 2, out.Exit == 2 && len(said.Issues) == 0:
		return notRun(fmt.Sprintf("tflint contradicts itself: exit %d with %d issues and no error", out.Exit, len(said.Issues)), "")
	}
	return result
}

// missingPlugin: a plugin has to be fetched first.
func missingPlugin(result pipelines.Result) bool {
	return result.Verdict == pipelines.NotRun && strings.Contains(result.Reason, `Did you run "tflint --init"?`)
}

// hint is the way out of an error that is not about the code.
func hint(reason string) string {
	switch {
	case strings.Contains(reason, "rate limit"):
		return "set GITHUB_TOKEN, or fetch the plugins once where the limit is not reached"
	case strings.Contains(reason, "Failed to install a plugin"), strings.Contains(reason, "Failed to fetch"):
		return "let the machine reach the place that the plugin comes from, or run once where it can"
	case strings.Contains(reason, "tflint --init"):
		return "fetch the plugin: run without --offline"
	case strings.Contains(reason, "Plugin") && strings.Contains(reason, "not found"):
		return "give the plugin a source and a version in .tflint.hcl, so that it can be fetched"
	}
	return ""
}

func notRun(reason, hint string) pipelines.Result {
	return pipelines.Result{Verdict: pipelines.NotRun, Reason: reason, Hint: hint}
}

// position is relative to the root, as tflint prints it. A place that is outside
// of it counts as the unit as a whole.
func position(unit string, at place) pipelines.Position {
	name := path.Clean(at.Filename)
	if at.Filename == "" || path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
		return pipelines.Position{Path: unit}
	}
	return pipelines.Position{Path: name, Line: at.Start.Line, Column: at.Start.Column, EndLine: at.End.Line, EndColumn: at.End.Column}
}
