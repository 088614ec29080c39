// Package values makes generated_helm_values.yaml of a service: what its stacks wrote
// to SSM, and references to its secrets. It reads, and never holds a secret.
package values

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
	"github.com/penstock-dev/penstock/pipelines/internal/atomicfile"
	"github.com/penstock-dev/penstock/pipelines/internal/valuesfile"
	"github.com/penstock-dev/penstock/pipelines/service"
)

// Stage is the name of the stage, and of the part of service-deploy.
const Stage = "helm-values"

// Generate looks up the values of a service in one environment, and writes them.
type Generate struct {
	Service *service.Service
	Bundle  *bundle.Bundle
	// Open is where they are looked up; it is called once something has to be.
	Open func(context.Context) (Parameters, error)
	// Out is the file that is written. Default: generated_helm_values.yaml in the repository.
	Out string
	// Image is the digest of the image, sha256:..., where it is known.
	Image string
}

// OutcomeSchema is the version of the outcome's JSON form.
const OutcomeSchema = "penstock.helm-values/v1"

// Outcome is what was looked up and written.
type Outcome struct {
	Schema      string            `json:"schema"`
	Report      *pipelines.Report `json:"report"`
	Service     string            `json:"service"`
	Environment string            `json:"environment"`
	// File was written, and has Digest; "" where it was not.
	File   string `json:"file,omitempty"`
	Digest string `json:"digest,omitempty"`
	// Entries are the keys with their sources, without a value.
	Entries []Entry `json:"entries"`
	// Changes are set by a diff.
	Changes []Change `json:"changes,omitempty"`
}

var imageDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Do looks everything up and writes the file, where nothing is missing and the chart
// takes it. An error is one of the configuration or of the bundle.
func (g Generate) Do(ctx context.Context) (*Outcome, error) {
	return g.with(ctx, func(b *built) pipelines.Result {
		out := g.Out
		if out == "" {
			out = filepath.Join(g.Service.Root, Generated)
		}
		if err := atomicfile.Keep(out, 0o644, b.text); err != nil {
			return pipelines.NotRunBecause(fmt.Errorf("writing %q: %w", out, err))
		}
		b.outcome.File, b.outcome.Digest = out, fmt.Sprintf("sha256:%x", sha256.Sum256(b.text))
		return pipelines.Result{}
	})
}

// built are values that hold: nothing is missing, and the chart takes them.
type built struct {
	outcome *Outcome
	text    []byte
	layers  []layer // the last is text
	judged  map[string]int
}

// with builds the values and hands them on where they hold.
func (g Generate) with(ctx context.Context, use func(*built) pipelines.Result) (*Outcome, error) {
	s := g.Service
	o := &Outcome{Schema: OutcomeSchema, Service: s.Config.Service.Name, Environment: s.Environment.Name, Entries: []Entry{}}
	if o.Report = s.LeftOut(Stage, Stage); o.Report != nil {
		return o, nil
	}
	if g.Image != "" && !imageDigest.MatchString(g.Image) {
		return nil, fmt.Errorf("the digest of the image is %q, allowed is sha256: and 64 hex digits", g.Image)
	}
	started := time.Now().UTC()
	unit := pipelines.Unit{Path: path.Join(o.Service, Stage), Kind: pipelines.Live}
	o.Report = &pipelines.Report{Stages: []string{Stage}, Started: started,
		Selection: pipelines.Selection{Schema: pipelines.SelectionSchema, All: true, Total: 1, Units: []pipelines.Unit{unit}}}
	b := &built{outcome: o, judged: map[string]int{}}
	result, err := g.build(ctx, b)
	if err != nil {
		return nil, err
	}
	if result.Verdict != pipelines.NotRun && len(result.Findings) == 0 {
		result = use(b)
	}
	result.Stage, result.Unit, result.Judged = Stage, unit.Path, b.judged
	result.Seconds = time.Since(started).Seconds()
	o.Report.Results = []pipelines.Result{result}
	s.Note(o.Report, g.Bundle, "")
	o.Report.Seconds = result.Seconds
	o.Report.Close()
	return o, nil
}

// build looks up, renders and judges. Findings say what is missing or not taken.
func (g Generate) build(ctx context.Context, b *built) (pipelines.Result, error) {
	plan, err := g.plan()
	if err != nil {
		return pipelines.Result{}, err
	}
	c, err := openChart(g.Bundle.FS(), g.Service.Config.Service.Chart)
	if err != nil {
		return found("chart", err), nil
	}
	repository, err := os.OpenRoot(g.Service.Root)
	if err != nil {
		return pipelines.Result{}, fmt.Errorf("opening the repository: %w", err)
	}
	defer repository.Close()
	if b.layers, err = c.layers(g.Bundle.FS(), repository.FS(), b.outcome.Environment); err != nil {
		return found("values-file", err), nil
	}
	entries, findings, err := plan.look(ctx, g.Open)
	b.judged["parameters"], b.judged["secrets"] = len(plan.wanted), len(plan.declared)
	if err != nil {
		return pipelines.NotRunBecause(err), nil
	}
	if g.Image != "" {
		entries = append(entries, text("the image that is deployed", g.Image, "image", "digest"))
	}
	if err := twice(entries); err != nil {
		findings = append(findings, found("one-source", err).Findings...)
	}
	b.outcome.Entries = append(b.outcome.Entries, entries...)
	b.judged["values"] = len(entries)
	if len(findings) > 0 {
		return pipelines.Result{Findings: findings}, nil
	}
	b.text = render(plan.header(), entries)
	last, err := valuesfile.Parse(Generated, b.text)
	if err != nil {
		return pipelines.Result{}, fmt.Errorf("reading what was generated: %w", err)
	}
	b.notice(overridden(b.layers, entries)...)
	b.layers = append(b.layers, layer(last))
	if c.thirdParty {
		b.notice(fmt.Sprintf("the chart %q is a third party's: helm-deploy, which fetches it, judges the values", c.name))
		return pipelines.Result{}, nil
	}
	if repository, _ := at(merged(b.layers), []string{"image", "repository"}); blank(repository) {
		return pipelines.Result{Findings: []pipelines.Finding{{Position: plan.image, Rule: "image", Verdict: pipelines.Fail, Severity: pipelines.High,
			Message: "nothing says which image is released", Hint: "set service.image in penstock.yaml: its repository, without a tag"}}}, nil
	}
	findings, noImage, err := c.judge(b.layers)
	if err != nil {
		return pipelines.NotRunBecause(err), nil
	}
	if noImage {
		b.notice("the image has neither a digest nor a tag yet: the values were judged as if it had one")
	}
	return pipelines.Result{Findings: findings}, nil
}

func (b *built) notice(messages ...string) {
	for _, m := range messages {
		b.outcome.Report.Notices = append(b.outcome.Report.Notices, pipelines.Notice{Message: m})
	}
}

// overridden says which values of the service's own files the generated ones win over.
func overridden(layers []layer, entries []Entry) (said []string) {
	for _, e := range entries {
		for _, l := range ofService(layers) {
			if at, deep := l.place(e.path); deep == len(e.path) {
				said = append(said, fmt.Sprintf("%s:%d: %s is not used: the generated value is laid over it", at.Path, at.Line, e.Key))
			}
		}
	}
	return said
}

// found makes a finding of each error that judges what the service or the bundle says.
func found(rule string, err error) pipelines.Result {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		var all pipelines.Result
		for _, one := range list.Unwrap() {
			all.Findings = append(all.Findings, found(rule, one).Findings...)
		}
		return all
	}
	f := pipelines.Finding{Rule: rule, Verdict: pipelines.Fail, Severity: pipelines.High, Message: err.Error()}
	var known *pipelines.Error
	if errors.As(err, &known) {
		f.Hint, f.Position, f.Message = known.Hint, known.Position, known.Err.Error()
	}
	return pipelines.Result{Findings: []pipelines.Finding{f}}
}
