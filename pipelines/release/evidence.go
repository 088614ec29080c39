package release

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/report"
)

// EvidenceStage is the stage whose report says that a module was tested.
const EvidenceStage = "terratest"

// Evidence is a report of tests.
type Evidence struct {
	// Digest is "sha256:HEX" of the file.
	Digest string `json:"digest" jsonschema:"pattern=^sha256:[0-9a-f]{64}$"`
	// Commit is what was tested, Verdict is pass or waived.
	Commit  string            `json:"commit" jsonschema:"pattern=^[0-9a-f]{40}([0-9a-f]{24})?$"`
	Verdict pipelines.Verdict `json:"verdict"`
	// Units are those of the report that test the module.
	Units []string `json:"units,omitempty"`
}

// Check is what the forge says of a commit under one name.
type Check = forge.Said

// evidence reads the report and holds it against commit and modules.
func (r Release) evidence(p *planner) error {
	if r.Evidence == "" {
		if r.Forge == nil {
			p.out.refuse(Refusal{Rule: "no-evidence", Here: true, Message: "there is no forge to ask for the checks of the commit, and no report of its tests",
				Hint: "give --evidence REPORT.json, or set GITHUB_REPOSITORY and GITHUB_TOKEN"})
		} else {
			p.out.notice("no report of tests was given: the records have no evidence")
		}
		return nil
	}
	content, err := os.ReadFile(r.Evidence)
	if err != nil {
		return fmt.Errorf("reading the evidence: %w", err)
	}
	tested, err := report.Read(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("reading the evidence %q: %w", r.Evidence, err)
	}
	p.out.Evidence = &Evidence{Digest: digest(content), Commit: tested.Selection.Head, Verdict: tested.Verdict}
	if tested.Selection.Head != p.out.Commit {
		of := "no commit that it names"
		if tested.Selection.Head != "" {
			of = "the commit " + tested.Selection.Head
		}
		p.out.refuse(Refusal{Rule: "evidence-commit", Here: true, Message: fmt.Sprintf("the report is of %s, released is %s", of, p.out.Commit), Hint: "test exactly what is released"})
	}
	if tested.Verdict != pipelines.Pass && tested.Verdict != pipelines.Waived {
		p.out.refuse(Refusal{Rule: "evidence-verdict", Here: true, Message: fmt.Sprintf("the verdict of the report is %s", tested.Verdict), Hint: "see what it says"})
	}
	for _, m := range p.out.Modules {
		units := p.covered(tested, m.Unit)
		if len(units) == 0 {
			p.out.refuse(Refusal{Module: m.Module, Rule: "evidence-covers", Here: true, Message: "the report holds no result of " + EvidenceStage + " on it, or on what exercises it",
				Hint: "test it, or let a test call it"})
			continue
		}
		e := *p.out.Evidence
		e.Units = units
		m.record.Evidence = &e
	}
	return nil
}

// covered are the units of a report that passed and exercise a module: the module
// itself, and tests, examples and modules whose closure holds its configuration.
func (p *planner) covered(tested *pipelines.Report, unit string) (list []string) {
	for _, result := range tested.Results {
		passed := result.Verdict == pipelines.Pass || result.Verdict == pipelines.Waived
		if result.Stage != EvidenceStage || !passed || slices.Contains(list, result.Unit) {
			continue
		}
		if result.Unit == unit {
			list = append(list, result.Unit)
			continue
		}
		u := p.head.unit(result.Unit)
		if u == nil || u.Kind == pipelines.Live || len(u.Inputs) >= p.head.tracked() {
			continue
		}
		if slices.ContainsFunc(u.Inputs, func(in string) bool { return path.Dir(in) == unit && configures(in) }) {
			list = append(list, result.Unit)
		}
	}
	slices.Sort(list)
	return list
}

// checks asks the forge.
func (r Release) checks(ctx context.Context, p *planner) error {
	if r.Forge == nil {
		p.out.notice("no forge was asked whether the checks of the commit are green: GITHUB_REPOSITORY and GITHUB_TOKEN are not set")
		return nil
	}
	all, err := r.Forge.Checks(ctx, p.out.Commit)
	if err != nil {
		if !p.out.DryRun {
			return err
		}
		p.out.notice("the checks of the commit could not be asked for: %v", err)
		return nil
	}
	var said []Check
	for _, c := range all {
		if c.Of(r.Self) {
			continue
		}
		said = append(said, c)
		if !c.Green {
			p.out.refuse(Refusal{Rule: "checks", Here: true, Message: fmt.Sprintf("the check %q of the commit is %s", c.Name, c.State), Hint: "let it pass first"})
		}
	}
	if len(said) == 0 && r.Evidence == "" {
		p.out.refuse(Refusal{Rule: "checks", Here: true, Message: "nothing has checked the commit", Hint: "let its checks run first, or give --evidence"})
	} else if len(said) == 0 {
		p.out.notice("the commit has no checks beside this run: the report of its tests has to do")
	}
	for _, m := range p.out.Modules {
		m.record.Checks = said
	}
	return nil
}
