package terratest

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// declareExample makes a case of each file of variables that penstock.yaml names for a unit.
func (s *session) declareExample(unit pipelines.Unit, found *unitCases) {
	for _, e := range s.Config.Terratest.Examples {
		if e.Unit != unit.Path {
			continue
		}
		account := e.Account
		if account == "" {
			account = s.accountOf(unit.Path)
		}
		for _, file := range e.Vars {
			if _, err := os.Stat(filepath.Join(s.Root, filepath.FromSlash(unit.Path), filepath.FromSlash(file))); err != nil {
				reason := fmt.Sprintf("reading the file of variables %q: %v", file, err)
				found.broken = append(found.broken, pipelines.Case{Name: file, Kind: pipelines.CaseExample, Status: pipelines.CaseNotRun, Reason: reason})
				found.findings = append(found.findings, pipelines.Finding{Position: e.Position, Rule: "example", Verdict: pipelines.Fail, Message: reason})
				continue
			}
			found.groups = append(found.groups, group{unit: unit, kind: pipelines.CaseExample, account: account, cases: []string{file}, width: 1, run: s.runExample(file)})
		}
	}
}

// runExample applies an example, wants its second plan to be empty, and destroys it in
// every case: what is left then is swept.
func (s *session) runExample(file string) func(context.Context, attempt) error {
	return func(ctx context.Context, a attempt) error {
		name := a.names[0]
		a.record.start(name)
		vars := "-var-file=" + filepath.FromSlash(file)
		steps := []struct {
			what string
			args []string
		}{
			{"init", []string{"init", "-input=false", "-no-color"}},
			{"apply", []string{"apply", "-auto-approve", "-input=false", "-no-color", vars}},
			{"second plan", []string{"plan", "-detailed-exitcode", "-input=false", "-no-color", vars}},
		}
		failed := ""
		done := 0
		for _, step := range steps {
			said := &tail{}
			out, err := s.step(ctx, a, name, said, step.args)
			switch {
			case err != nil || ctx.Err() != nil:
				failed = step.what + ": " + s.whyEnded(ctx, out.Exit, err)
			case step.what == "second plan" && out.Exit == 2:
				failed = "the second plan is not empty: " + changes(said.String())
			case out.Exit != 0:
				failed = step.what + ": " + or(firstError(string(out.Stderr)), ended(out.Exit))
			}
			if failed != "" {
				break
			}
			done++
		}
		if done > 0 || failed == "" { // init went well: there may be something to destroy
			if why := s.destroy(ctx, a, name, vars); why != "" {
				failed = strings.TrimPrefix(failed+"; "+why, "; ")
			}
		}
		if failed == "" {
			a.record.end(name, pipelines.CasePassed, "", pipelines.Position{})
		} else {
			a.record.end(name, pipelines.CaseFailed, failed, pipelines.Position{Path: path.Join(s.unitOf(a), file)})
		}
		return nil
	}
}

func (s *session) unitOf(a attempt) string {
	rel, err := filepath.Rel(a.root, a.dir)
	if err != nil {
		return "."
	}
	return filepath.ToSlash(rel)
}

// step runs terraform, with what it prints in the log of the case.
func (s *session) step(ctx context.Context, a attempt, name string, said *tail, args []string) (process.Output, error) {
	a.record.print(name, []byte("$ terraform "+strings.Join(args, " ")+"\n"))
	out, err := s.terraform(ctx, a, &lines{each: func(l []byte) {
		a.record.print(name, l)
		_, _ = said.Write(l)
	}}, args...)
	a.record.print(name, out.Stderr)
	return out, err
}

// destroy has until the hard deadline, whatever has ended the rest.
func (s *session) destroy(ctx context.Context, a attempt, name, vars string) string {
	ctx, stop := context.WithDeadline(context.WithoutCancel(ctx), s.started.Add(s.hard))
	defer stop()
	out, err := s.step(ctx, a, name, &tail{}, []string{"destroy", "-auto-approve", "-input=false", "-no-color", vars})
	switch {
	case ctx.Err() != nil && time.Now().After(s.started.Add(s.hard)):
		return fmt.Sprintf("destroy: killed at the hard deadline (%s)", s.hard)
	case err != nil:
		return "destroy: " + err.Error()
	case out.Exit != 0:
		return "destroy: " + or(firstError(string(out.Stderr)), ended(out.Exit))
	}
	return ""
}

// changes names what a plan would change.
func changes(plan string) string {
	var found []string
	for line := range strings.Lines(plan) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# "); ok && (strings.Contains(rest, " will be ") || strings.Contains(rest, " must be ")) {
			found = append(found, rest)
		}
		if strings.HasPrefix(line, "Plan: ") && len(found) == 0 {
			found = append(found, line)
		}
	}
	return or(strings.Join(found, "; "), "it changes outputs")
}
