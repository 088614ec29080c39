package live

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/page"
)

// The pages of a plan: for a comment, and for the summary of a job.
const (
	PageFile    = "page.md"
	SummaryFile = "summary.md"
)

// page writes what a reviewer reads. No value in it is secret.
func (p *planning) page(targets []Target) error {
	var list []page.Target
	for _, t := range targets {
		o := p.planned[t.ID()]
		one := shown(t, o.record, o.facts, "")
		one.Reproduce = p.reproduce(t, "plans")
		if o.record.Outcome == Refused || len(one.Errors) == 0 && o.facts == nil {
			one.Errors = append(one.Errors, said(o.result)...)
		}
		list = append(list, one)
	}
	return writePages(p.Out, list)
}

// said is what a result without a plan has to say.
func said(r pipelines.Result) []string {
	list := []string{r.Reason}
	for _, f := range r.Findings {
		list = append(list, fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Message))
	}
	return list
}

// shown is one target on the page.
func shown(t Target, r Record, f *facts, digest string) page.Target {
	one := page.Target{Unit: t.Unit.Path, Environment: t.Environment.Name, Outcome: page.Outcome(r.Outcome), Wave: r.Again,
		Why: t.Unit.Why, CapsuleDigest: digest, Errors: r.Errors}
	if f != nil {
		one.Summary, one.Risk, one.Verdicts = &f.summary, f.risk, []pipelines.Result{f.judged}
		one.Approve = len(f.manifestRisk(t, r.Planned.Destroy || r.Review).Addresses) > 0
	}
	return one
}

func writePages(dir string, list []page.Target) error {
	for name, limit := range map[string]int{PageFile: page.CommentLimit, SummaryFile: page.SummaryLimit} {
		var b bytes.Buffer
		if err := page.Page(&b, list, limit); err != nil {
			return fmt.Errorf("writing the page: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			return fmt.Errorf("writing the page: %w", err)
		}
	}
	return nil
}
