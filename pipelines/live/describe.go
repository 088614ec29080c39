package live

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/redact"
)

// failed describes a plan that terraform ended with an error.
func (p *planning) failed(t Target, out string, exit int, o *planned) pipelines.Result {
	result := pipelines.Result{Verdict: pipelines.NotRun, Reason: fmt.Sprintf("terraform plan ended with %d", exit),
		Hint: "run it yourself for the whole of it: " + p.reproduce(t, "DIR")}
	shown, err := public(t, p.Config)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	log, err := os.Open(filepath.Join(out, LogFile))
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	defer log.Close()
	o.record.Errors = redact.Diagnostics(log, shown)
	if len(o.record.Errors) > 0 {
		result.Reason += ": " + o.record.Errors[len(o.record.Errors)-1]
	}
	return result
}

// describe says what a plan would do, without a value that may not be shown.
func (p *planning) describe(ctx context.Context, t Target, out string, o *planned) pipelines.Result {
	f, err := p.rules.read(ctx, filepath.Join(out, JSONFile), t)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	o.facts = &f
	o.record.Planned.Risk, o.record.Planned.Policies = f.manifestRisk(t, o.record.Planned.Destroy || o.record.Review), f.policies
	if o.record.Outcome == NoChanges {
		return pipelines.Result{Reason: "no changes", Judged: map[string]int{"changes": 0}}
	}
	return pipelines.Result{Judged: map[string]int{"changes": len(f.list)}, Reason: fmt.Sprintf("%s, risk %s", counted(f.summary.Counts), f.risk.Level)}
}

// counted is what a plan does in a few words.
func counted(c redact.Counts) string {
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{{c.Create, "to create"}, {c.Update, "to update"}, {c.Replace, "to replace"}, {c.Delete, "to delete"}, {c.Import, "to import"},
		{c.Move, "to move"}, {c.Forget, "to forget"}, {c.Read, "to read"}, {c.Other, "of no known kind"}, {c.Outputs, "outputs"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	if len(parts) == 0 {
		return "changes of the state alone"
	}
	return strings.Join(parts, ", ")
}
