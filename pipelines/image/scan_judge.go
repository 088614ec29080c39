package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	v210 "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// judgeScan judges SARIF: a result of the severity or more fails, one whose severity is
// not said is unknown, and less is counted.
func judgeScan(text []byte, failOn pipelines.Severity) pipelines.Result {
	var read v210.Report
	if err := json.Unmarshal(text, &read); err != nil {
		return pipelines.NotRunBecause(fmt.Errorf("reading the scanner's SARIF: %w", err))
	}
	if len(read.Runs) == 0 {
		return pipelines.NotRunBecause(errors.New("reading the scanner's SARIF: it holds no run"))
	}
	result := pipelines.Result{Judged: map[string]int{"results": 0}}
	for _, run := range read.Runs {
		for _, i := range run.Invocations {
			if i.ExecutionSuccessful != nil && !*i.ExecutionSuccessful {
				return pipelines.NotRunBecause(errors.New("the scanner says of itself that it did not succeed"))
			}
		}
		for _, one := range run.Results {
			result.Judged["results"]++
			severity := severityOf(run, one)
			if severity != "" && slices.Index(severities, severity) < slices.Index(severities, failOn) {
				result.Judged["below_"+string(failOn)]++
				continue
			}
			result.Findings = append(result.Findings, findingOf(one, severity))
		}
	}
	return result
}

func findingOf(one *v210.Result, severity pipelines.Severity) pipelines.Finding {
	f := pipelines.Finding{Rule: "result", Verdict: pipelines.Fail, Severity: severity, Message: "it has no message"}
	if severity == "" {
		f.Verdict = pipelines.Unknown
	}
	if one.RuleID != nil && *one.RuleID != "" {
		f.Rule = printable.Text(*one.RuleID, 200)
	}
	if one.Message != nil && one.Message.Text != nil {
		f.Message = printable.Text(*one.Message.Text, 600)
	}
	return f
}

// severityOf is the score that a rule has by CVSS, in the words of CVSS, or else the
// level; "" where neither is said.
func severityOf(run *v210.Run, one *v210.Result) pipelines.Severity {
	if score, ok := scoreOf(run, one); ok {
		switch {
		case !(score >= 0 && score <= 10): // not a number is neither
			return ""
		case score >= 9:
			return pipelines.Critical
		case score >= 7:
			return pipelines.High
		case score >= 4:
			return pipelines.Medium
		}
		return pipelines.Low
	}
	switch one.Level {
	case "error":
		return pipelines.High
	case "warning":
		return pipelines.Medium
	case "note", "none":
		return pipelines.Low
	}
	return ""
}

func scoreOf(run *v210.Run, one *v210.Result) (float64, bool) {
	if run.Tool == nil || run.Tool.Driver == nil || one.RuleID == nil {
		return 0, false
	}
	for _, rule := range run.Tool.Driver.Rules {
		if rule.ID == nil || *rule.ID != *one.RuleID || rule.Properties == nil {
			continue
		}
		switch said := rule.Properties.Properties["security-severity"].(type) {
		case string:
			score, err := strconv.ParseFloat(said, 64)
			return score, err == nil
		case float64:
			return said, true
		}
	}
	return 0, false
}
