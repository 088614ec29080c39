package terraform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// initArgv readies a unit: modules and providers, but no state.
func initArgv(path string) []string {
	return []string{path, "init", "-backend=false", "-input=false", "-no-color"}
}

// validateArgv judges a unit that is ready.
func validateArgv(path string) []string {
	return []string{path, "validate", "-json", "-no-color"}
}

// notReady are the errors of validate where init did not come to its end: they
// say nothing about the code.
var notReady = []string{
	"Missing required provider", "Required plugins are not installed", "Module not installed",
	"Module source has changed", "Module version requirements have changed",
	"Inconsistent dependency lock file",
}

// surroundings are the errors of validate about the program or a provider rather
// than the code: what it would have said of the code nobody knows.
var surroundings = []string{
	"Unsupported Terraform Core version", "Unsupported OpenTofu Core version",
	"Failed to load plugin schemas", "Failed to obtain provider schema", "Failed to load provider schemas",
	"Plugin did not respond", "Failed to read provider configuration schema",
}

// outcome is what init and validate say of a unit.
type outcome struct {
	result  pipelines.Result
	notices []pipelines.Notice
	// unready: init failed, and nothing was found in the code itself.
	unready bool
	// provider: one of them is missing.
	provider bool
}

// judgeValidate judges what init and then validate left. validate is run even
// where init failed: code that is wrong is what keeps init from ending, and only
// validate tells where it is.
func judgeValidate(unit string, initialized, validated process.Output) outcome {
	var said tfjson.ValidateOutput
	if err := json.Unmarshal(validated.Stdout, &said); err != nil {
		return outcome{result: pipelines.Result{Verdict: pipelines.NotRun,
			Reason: fmt.Sprintf("reading what validate printed: exit %d: %s", validated.Exit, firstError(validated.Stderr))}}
	}
	var o outcome
	var outside []string
	errors := 0
	for _, d := range said.Diagnostics {
		switch {
		case d.Severity != tfjson.DiagnosticSeverityError:
			at := positionOf(unit, d)
			o.notices = append(o.notices, pipelines.Notice{Path: at.Path, Line: at.Line, Message: messageOf(d)})
			continue
		case slices.Contains(notReady, d.Summary):
			o.provider = o.provider || d.Summary == notReady[0] || d.Summary == notReady[1]
			if initialized.Exit == 0 {
				outside = append(outside, messageOf(d))
			}
		case slices.Contains(surroundings, d.Summary):
			outside = append(outside, messageOf(d))
		default:
			o.result.Findings = append(o.result.Findings, pipelines.Finding{Position: positionOf(unit, d), Rule: "validate",
				Verdict: pipelines.Fail, Severity: pipelines.High, Message: messageOf(d), Resource: printable.Text(d.Address, 200)})
		}
		errors++
	}
	switch {
	case len(outside) > 0:
		o.result.Verdict, o.result.Reason = pipelines.NotRun, outside[0]
	case len(o.result.Findings) > 0:
		o.result.Verdict = pipelines.Fail
	case initialized.Exit != 0:
		o.unready = true
		o.result.Verdict, o.result.Reason = pipelines.NotRun, "init: "+firstError(initialized.Stderr)
	case !said.Valid || validated.Exit != 0 || errors > 0:
		o.result.Verdict = pipelines.NotRun
		o.result.Reason = fmt.Sprintf("validate contradicts itself: exit %d, valid %v, %d errors", validated.Exit, said.Valid, errors)
	default:
		o.result.Verdict = pipelines.Pass
	}
	return o
}

func messageOf(d tfjson.Diagnostic) string {
	message := d.Summary
	if d.Detail != "" {
		message += ": " + d.Detail
	}
	return printable.Text(strings.Join(strings.Fields(message), " "), 600)
}

// positionOf makes a range relative to the root. A place outside of it, such as
// a module that init fetched, is left out: the reader has no such file.
func positionOf(unit string, d tfjson.Diagnostic) pipelines.Position {
	if d.Range == nil {
		return pipelines.Position{Path: unit}
	}
	name := path.Join(unit, d.Range.Filename)
	if path.IsAbs(d.Range.Filename) || name == ".." || strings.HasPrefix(name, "../") {
		return pipelines.Position{Path: unit}
	}
	return pipelines.Position{Path: name, Line: d.Range.Start.Line, Column: d.Range.Start.Column,
		EndLine: d.Range.End.Line, EndColumn: d.Range.End.Column}
}

// firstError is the first error in what terraform prints for people, in one line:
// its summary and what follows, without the excerpt of the source.
func firstError(stderr []byte) string {
	var words []string
	seen := false
	for raw := range bytes.Lines(stderr) {
		line := strings.Trim(string(raw), "│╷╵ \t\r\n")
		summary, isError := strings.CutPrefix(line, "Error: ")
		if isError && seen {
			break
		}
		if isError {
			seen = true
			words = []string{summary + ":"}
			continue
		}
		if !excerpt(line) {
			words = append(words, strings.Fields(line)...)
		}
	}
	return printable.Text(strings.TrimSuffix(strings.Join(words, " "), ":"), 600)
}

// excerpt: a line that quotes the source, such as `3:   foo = 1`.
func excerpt(line string) bool {
	number, _, found := strings.Cut(line, ":")
	return found && number != "" && strings.Trim(number, "0123456789") == ""
}
