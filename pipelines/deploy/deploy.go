// Package deploy brings a service into an environment: its image, its rights, its
// infrastructure, its values and its release, in this order, with one report.
//
// Each part is a process of its own, the command that people and workflows run for that
// part alone. So what seals a plan never shares a process with what runs terraform, and a
// whole deploy is no other than its parts.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
	"github.com/penstock-dev/penstock/pipelines/image"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/service"
)

// Parts of a deploy, in their order. Each may be left out by service.environments[].opt_out.
var Parts = []string{ImagePart, service.IAM, service.IaC, "helm-values", "helm-deploy", AttestPart}

// The parts that are no command of the same name: the image is judged before anything
// is changed, and attested after everything went well.
const (
	ImagePart  = "image"
	AttestPart = "image-attest"
)

// Deploy is a whole deploy of a service. It is an effect.
type Deploy struct {
	Service *service.Service
	Bundle  *bundle.Bundle
	// Image is REGISTRY/REPOSITORY@sha256:..., or with a tag, which is resolved once.
	Image string
	// Key is a file with the private key that seals plans and attests the image.
	// Default: in an environment without gates one that is forgotten afterwards, by which
	// nothing is attested.
	Key string
	// Identities are files with private keys that open capsules.
	Identities []string
	// Facts are attested beside the image once all went well.
	Facts image.Facts
	// Registry is where the image is.
	Registry image.Registry
	// Self is the penstock program.
	Self string
	// Flags are passed on to the parts that take them, see Flags.
	Flags Flags
	// Stderr hears of the progress of the parts.
	Stderr io.Writer
	// Progress hears of each part that starts and ends.
	Progress func(pipelines.Event)
}

// deploying is one run.
type deploying struct {
	Deploy
	room  string // a directory of our own; plans in it hold secrets
	image string // by digest
	unit  pipelines.Unit
	keys  keys
}

// Run deploys. A part that does not pass keeps the ones after it from being run, which
// the report says of each.
func (d Deploy) Run(ctx context.Context) (*pipelines.Report, error) {
	room, err := os.MkdirTemp("", "penstock-deploy-")
	if err != nil {
		return nil, fmt.Errorf("making room for the deploy: %w", err)
	}
	defer os.RemoveAll(room)
	run := &deploying{Deploy: d, room: room, unit: pipelines.Unit{Path: d.Service.Config.Service.Name, Kind: pipelines.Live}}
	if run.keys, err = d.prepare(room); err != nil {
		return nil, err
	}
	parts, began := []*pipelines.Report{}, time.Now()
	stopped, skipped := "", []pipelines.Skip(nil)
	for i, part := range Parts {
		if stopped != "" {
			skipped = append(skipped, pipelines.Skip{Stage: part, Reason: stopped})
			continue
		}
		run.tell(pipelines.Event{Stage: part, Unit: run.unit.Path, Done: i, Total: len(Parts)})
		started := time.Now()
		r, err := run.part(ctx, part)
		if err != nil {
			r = run.one(part, failed(err))
		}
		parts = append(parts, run.whole(part, r))
		run.tell(pipelines.Event{Stage: part, Unit: run.unit.Path, Done: i + 1, Total: len(Parts), Verdict: r.Verdict, Elapsed: time.Since(started)})
		if r.Verdict != pipelines.Pass && r.Verdict != pipelines.Waived {
			stopped = fmt.Sprintf("it comes after %q, which did not pass", part)
		}
	}
	all := report.Concat(parts...)
	all.Selection = run.selection()
	all.Skipped = append(all.Skipped, skipped...)
	all.Seconds = time.Since(began).Seconds()
	all.Close()
	return all, nil
}

// failed is the result of a part that ended with an error: a refusal is a finding, and
// everything else could not be done.
func failed(err error) pipelines.Result {
	if !errors.Is(err, image.ErrRefused) {
		return pipelines.NotRunBecause(err)
	}
	finding := pipelines.Finding{Rule: "image", Verdict: pipelines.Fail, Severity: pipelines.High, Message: err.Error()}
	var known *pipelines.Error
	if errors.As(err, &known) {
		finding.Position, finding.Hint = known.Position, known.Hint
	}
	return pipelines.Result{Verdict: pipelines.Fail, Findings: []pipelines.Finding{finding}}
}

// whole makes one result of what a part reports of its steps: a deploy has a result for
// each part, whatever the part is made of.
func (d *deploying) whole(part string, r *pipelines.Report) *pipelines.Report {
	result := pipelines.Result{Stage: part, Unit: d.unit.Path, Verdict: r.Verdict, Seconds: r.Seconds, Judged: map[string]int{}}
	var reasons []string
	for _, step := range r.Results {
		prefix := ""
		if len(r.Results) > 1 {
			prefix = step.Stage + ": "
		}
		for _, finding := range step.Findings {
			if prefix != "" {
				finding.Rule = step.Stage + "/" + finding.Rule
			}
			result.Findings = append(result.Findings, finding)
		}
		for noun, n := range step.Judged {
			result.Judged[noun] += n
		}
		if step.Verdict != r.Verdict {
			continue
		}
		if step.Reason != "" {
			reasons = append(reasons, prefix+step.Reason)
		}
		if result.Hint == "" {
			result.Hint = step.Hint
		}
	}
	result.Reason = strings.Join(reasons, "; ")
	all := *r
	all.Stages, all.Results = []string{part}, []pipelines.Result{result}
	all.Selection = d.selection()
	all.Close()
	return &all
}

// one is a report with a single result.
func (d *deploying) one(part string, result pipelines.Result) *pipelines.Report {
	result.Stage, result.Unit = part, d.unit.Path
	r := &pipelines.Report{Stages: []string{part}, Started: time.Now().UTC(), Results: []pipelines.Result{result},
		Selection: d.selection()}
	r.Close()
	return r
}

// selection is the service, as the one unit of a deploy.
func (d *deploying) selection() pipelines.Selection {
	return pipelines.Selection{Schema: pipelines.SelectionSchema, All: true, Total: 1, Units: []pipelines.Unit{d.unit}}
}

func (d *deploying) tell(e pipelines.Event) {
	if d.Progress != nil {
		d.Progress(e)
	}
}

// part runs one part, unless the service leaves it out.
func (d *deploying) part(ctx context.Context, part string) (*pipelines.Report, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("deploying: %w", context.Cause(ctx))
	}
	switch part {
	case ImagePart, AttestPart:
		if left := d.Service.LeftOut(ImagePart, part); left != nil {
			return left, nil
		}
		if part == ImagePart {
			return d.judgeImage(ctx)
		}
		return d.attest(ctx)
	case service.IAM, service.IaC:
		return d.stack(ctx, part)
	}
	return d.command(ctx, part, part, d.release(part)...)
}

// release are the arguments of what comes after the infrastructure.
func (d *deploying) release(part string) []string {
	if part == "helm-values" {
		digest := d.digest()
		return slices.Concat([]string{part}, optional("--image-digest", digest), d.Flags.values())
	}
	return slices.Concat([]string{part}, d.Flags.store())
}
