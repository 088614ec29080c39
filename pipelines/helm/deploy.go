// Package helm releases a chart with helm, which stays a process: rendered, judged
// by policy and by the API server, shown as a diff, then deployed under a lease, and
// repaired where a run before was killed.
package helm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// Steps of a deploy, in their order; each has a result in the report.
var Steps = []string{"precheck", "chart", "values", "template", "policy", "lease", "dry-run", "diff", "upgrade", "smoke"}

// Release says which service is released where. The zero value of each optional
// field is its default.
type Release struct {
	// Root is the service repository.
	Root string
	// Config is its penstock.yaml.
	Config *config.Config
	// Environment is the name of one of service.environments.
	Environment string
	// Store keeps leases and journals of releases: that of live.store, in Room.
	Store store.Store
	// Address is what a command line calls Store, for hints. Default: its name.
	Address string
	// Coroner says whether the run of somebody else is dead.
	Coroner ledger.Coroner
	// Actor is who releases, CI where; Commit is that of the service.
	Actor  string
	CI     ledger.CI
	Commit string
	// DryRun stops before anything is changed.
	DryRun bool
	// Env is what helm and kubectl inherit: KUBECONFIG, and what its exec plugin needs.
	// Default: the environment of this process.
	Env []string
	// Progress hears of every step that starts and ends.
	Progress func(pipelines.Event)
}

// Deploy releases the chart of a service.
type Deploy struct {
	Release
	// Bundle is the directory of the unpacked bundle, BundleName its VERSION@DIGEST.
	// Default of the name: as service.bundle pins it.
	Bundle, BundleName string
	// Policy judges a manifest; an error says that it could not be judged. Default: the
	// schemas of Kubernetes and our policies, package manifest.
	Policy func(ctx context.Context, manifest []byte) (pipelines.Result, []pipelines.Notice, error)
}

// Outcome is what a deploy or a rollback came to.
type Outcome struct {
	// Schema is the version of this form.
	Schema string            `json:"schema"`
	Report *pipelines.Report `json:"report"`
	// Service, Environment, Namespace and Context say where it was.
	Service     string `json:"service"`
	Environment string `json:"environment"`
	Namespace   string `json:"namespace"`
	Context     string `json:"context,omitempty"`
	// Revision is the one that is deployed now, as far as it is known; 0 where none is.
	Revision int `json:"revision,omitempty"`
	// From is the revision that was deployed before.
	From int `json:"from,omitempty"`
	// Unchanged says that nothing had to be deployed: Metadata is that of the revision.
	Unchanged bool `json:"unchanged,omitempty"`
	// Chart is NAME-VERSION.
	Chart    string   `json:"chart,omitempty"`
	Metadata Metadata `json:"metadata"`
	// Repaired says what a run that was killed had left, and what was done about it.
	Repaired string `json:"repaired,omitempty"`
	// Changes are those of the manifest, Values where each value comes from.
	Changes []Change `json:"changes"`
	Values  []Origin `json:"values,omitempty"`
}

// ErrChoice says that what shall be released where is not there to be chosen.
var ErrChoice = errors.New("nothing to release")

// OutcomeSchema is the version of the outcome's JSON form.
const OutcomeSchema = "penstock.helm/v1"

// running is one deploy or rollback.
type running struct {
	Release
	*client
	service *config.Service
	owner   ledger.Owner
	guard   *guard
	outcome *Outcome
	history []Revision
	// chart, layers, manifest and hooks are known once their step has passed.
	chart    chart
	layers   []Layer
	rendered []byte
	manifest []byte
	hooks    []byte
	given    []byte // the values of the release, as JSON
	deploy   Deploy
	unit     pipelines.Unit
	// kept is the context that ends when the lease is lost; nil before it is held.
	kept context.Context
	stop func()
}

func (r Release) open() (*running, error) {
	if r.Config == nil || r.Config.Service == nil {
		return nil, &pipelines.Error{Err: errors.New("penstock.yaml has no section service"), Hint: "add it: docs/helm-deploy.md shows one"}
	}
	s := r.Config.Service
	i := slices.IndexFunc(s.Environments, func(e config.ServiceEnvironment) bool { return e.Name == r.Environment })
	if i < 0 {
		var names []string
		for _, e := range s.Environments {
			names = append(names, e.Name)
		}
		return nil, &pipelines.Error{Err: fmt.Errorf("%w: the service %q has no environment %q", ErrChoice, s.Name, r.Environment), Hint: "it has " + strings.Join(names, ", ")}
	}
	e := s.Environments[i]
	if e.Enabled != nil && !*e.Enabled {
		return nil, &pipelines.Error{Position: e.Position, Err: fmt.Errorf("%w: the environment %q is not enabled for %q", ErrChoice, e.Name, s.Name), Hint: "set enabled: true to deploy there"}
	}
	if r.Store == nil {
		return nil, errors.New("releasing: there is no store for the lease")
	}
	if err := r.Store.Exclusive(); err != nil {
		return nil, &pipelines.Error{Err: fmt.Errorf("releasing with the store %s: %w", r.Store, err), Hint: "leases need a directory or s3://BUCKET/PREFIX: set live.store"}
	}
	b, err := boundsOf(s.Deploy)
	if err != nil {
		return nil, err
	}
	at := place{Context: e.Cluster.Context, Namespace: s.Namespace, Release: s.Name}
	if at.Namespace == "" {
		at.Namespace = s.Name
	}
	owner, err := ledger.NewOwner(r.Actor, r.CI)
	if err != nil {
		return nil, err
	}
	if r.Env == nil {
		r.Env = os.Environ()
	}
	c, err := open(at, b, append(slices.Clone(r.Env), owner.Env()))
	if err != nil {
		return nil, err
	}
	bundle := s.Bundle.Version
	if s.Bundle.Digest != "" {
		bundle += "@" + s.Bundle.Digest
	}
	run := &running{Release: r, client: c, service: s, owner: owner, unit: pipelines.Unit{Path: s.Name + "/helm-deploy", Kind: pipelines.Live}}
	run.guard = newGuard(r.Store, r.Coroner, target(e.Name, s.Name), owner, b.Timeout)
	run.guard.address = cmp.Or(r.Address, r.Store.String())
	run.outcome = &Outcome{Schema: OutcomeSchema, Service: s.Name, Environment: e.Name, Namespace: at.Namespace, Context: at.Context,
		Changes: []Change{}, Metadata: Metadata{Run: owner.Run, Environment: e.Name, Commit: r.Commit, Bundle: bundle, Actor: r.Actor}}
	run.outcome.Report = &pipelines.Report{Started: time.Now().UTC(), Selection: pipelines.Selection{Total: 1, Units: []pipelines.Unit{run.unit}}}
	return run, nil
}

func boundsOf(d config.Deploy) (bounds, error) {
	b := bounds{Timeout: 5 * time.Minute, History: 10}
	if d.History != 0 {
		b.History = d.History
	}
	if b.History < 2 {
		return b, &pipelines.Error{Err: fmt.Errorf("service.deploy.history is %d", b.History), Hint: "keep 2 at least: one to roll back to"}
	}
	if d.Timeout != "" {
		var err error
		if b.Timeout, err = time.ParseDuration(d.Timeout); err != nil || b.Timeout <= 0 {
			return b, &pipelines.Error{Err: fmt.Errorf("service.deploy.timeout is %q", d.Timeout), Hint: `write it like "10m"`}
		}
	}
	return b, nil
}

// step is one of a run; a result that is no pass keeps those after it from being run.
type step struct {
	name string
	run  func(context.Context) pipelines.Result
}

// all runs the steps. One that does not pass keeps those after it from being run: the
// report names them, and its verdict is that of the step.
func (r *running) all(ctx context.Context, steps []step) {
	report := r.outcome.Report
	failed := ""
	for i, s := range steps {
		if failed != "" {
			r.skip(s.name, fmt.Sprintf("it comes after %q, which did not pass", failed))
			continue
		}
		report.Stages = append(report.Stages, s.name)
		if result := r.one(ctx, s, i, len(steps)); result.Verdict != pipelines.Pass && result.Verdict != pipelines.Waived {
			failed = s.name
		}
	}
}

// one runs a step and adds its result.
func (r *running) one(ctx context.Context, s step, done, total int) pipelines.Result {
	if r.kept != nil {
		ctx = r.kept
	}
	r.say(pipelines.Event{Stage: s.name, Unit: r.unit.Path, Done: done, Total: total})
	start := time.Now()
	result := s.run(ctx)
	if ctx.Err() != nil && verdict(result) != pipelines.Fail {
		result = pipelines.Result{Verdict: pipelines.NotRun, Reason: strings.TrimSuffix(fmt.Sprintf("interrupted: %v; %s", context.Cause(ctx), result.Reason), "; "), Hint: result.Hint, Findings: result.Findings}
	}
	result.Verdict = verdict(result)
	result.Seconds = time.Since(start).Seconds()
	result.Stage, result.Unit = s.name, r.unit.Path
	r.say(pipelines.Event{Stage: s.name, Unit: r.unit.Path, Verdict: result.Verdict, Done: done + 1, Total: total, Elapsed: time.Since(start)})
	r.outcome.Report.Results = append(r.outcome.Report.Results, result)
	return result
}

func verdict(result pipelines.Result) pipelines.Verdict {
	v := result.Verdict
	if v == "" {
		v = pipelines.Pass
	}
	for _, f := range result.Findings {
		v = v.Worse(f.Verdict)
	}
	return v
}

func (r *running) say(e pipelines.Event) {
	if r.Progress != nil {
		r.Progress(e)
	}
}

func (r *running) notice(format string, args ...any) {
	r.outcome.Report.Notices = append(r.outcome.Report.Notices, pipelines.Notice{Message: fmt.Sprintf(format, args...)})
}

// close gives the lease back and closes the report.
func (r *running) close(ctx context.Context) *Outcome {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	what, _ := diagnose(r.history)
	if err := r.guard.end(limited, what == none); err != nil {
		r.notice("%v", err)
	}
	if r.stop != nil {
		r.stop()
	}
	if err := r.guard.release(ctx); err != nil {
		r.notice("%v: the next run finds that this one is over", err)
	}
	r.client.close()
	r.outcome.Report.Seconds = time.Since(r.outcome.Report.Started).Seconds()
	r.outcome.Report.Close()
	return r.outcome
}

// found is a result with one finding, of an error that judges what the service says.
func found(rule string, err error) pipelines.Result {
	f := pipelines.Finding{Rule: rule, Verdict: pipelines.Fail, Severity: pipelines.High, Message: err.Error()}
	var known *pipelines.Error
	if errors.As(err, &known) {
		f.Hint = known.Hint
		if known.Path != "" {
			f.Position, f.Message = known.Position, known.Err.Error()
		}
	}
	return pipelines.Result{Findings: []pipelines.Finding{f}}
}

// Do deploys; a failure of the deploy is a finding, and what could not be asked is not
// run. The lease is held from before the look at the cluster on which the deploy is
// decided until after the smoke check.
func (d Deploy) Do(ctx context.Context) (*Outcome, error) {
	r, err := d.open()
	if err != nil {
		return nil, err
	}
	r.deploy = d
	if d.BundleName != "" {
		r.outcome.Metadata.Bundle = d.BundleName
	}
	steps := []step{{"precheck", r.precheck}, {"chart", r.resolveChart}, {"values", r.readValues}, {"template", r.template}, {"policy", r.policy},
		{"lease", r.takeLease}, {"dry-run", r.dryRun}, {"diff", r.diff}, {"upgrade", r.upgrade}, {"smoke", r.smoke}}
	if r.service.Smoke == (config.Smoke{}) {
		steps = steps[:9]
		r.skip("smoke", "service.smoke is not set")
	}
	if d.DryRun {
		if len(steps) == 10 {
			r.skip("smoke", "--dry-run")
		}
		steps = steps[:8]
		r.skip("upgrade", "--dry-run")
	}
	r.all(ctx, steps)
	return r.close(ctx), nil
}

func (r *running) skip(step, reason string) {
	r.outcome.Report.Skipped = append(r.outcome.Report.Skipped, pipelines.Skip{Stage: step, Reason: reason})
}
