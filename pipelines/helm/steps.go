package helm

import (
	"context"
	"errors"
	"fmt"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/manifest"
)

// precheck asks whether the cluster and the namespace are there, and reads the history.
func (r *running) precheck(ctx context.Context) pipelines.Result {
	if r.Context == "" {
		r.notice("cluster.context of the environment is not set: the kubeconfig's current context counts")
	}
	out, err := r.run(ctx, nil, r.kubectl, namespaceArgv(r.place)...)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	err = judge("kubectl get namespace", out)
	switch {
	case isKind(err, NotFound):
		return pipelines.NotRunBecause(&pipelines.Error{Err: fmt.Errorf("the cluster has no namespace %q: %w", r.Namespace, err),
			Hint: "ask the platform team for it, or set service.namespace"})
	case isKind(err, Denied): // a role of one namespace need not read namespaces: the dry run finds out
		r.notice("whether the namespace %q exists is not known: it may not be read", r.Namespace)
	case err != nil:
		return pipelines.NotRunBecause(err)
	}
	if r.history, err = r.client.history(ctx); err != nil {
		return pipelines.NotRunBecause(err)
	}
	return pipelines.Result{Judged: map[string]int{"revisions": len(r.history)}}
}

func (r *running) resolveChart(ctx context.Context) pipelines.Result {
	c, err := r.resolve(ctx, r.service.Chart, r.deploy.Bundle)
	if isKind(err, Unreachable) {
		return pipelines.NotRunBecause(err)
	}
	if err != nil {
		return found("pinned", err)
	}
	if c.noSchema {
		r.notice("the chart %q has no values.schema.json: a misspelt key is ignored; accepted because: %s", c.Name, printable.Text(r.service.Chart.NoSchema, 300))
	}
	r.chart, r.outcome.Chart = c, c.Name+"-"+c.Version
	return pipelines.Result{Judged: map[string]int{"charts": 1}}
}

func (r *running) readValues(context.Context) pipelines.Result {
	all, err := layers(r.chart, r.Root, r.deploy.Bundle, r.Environment)
	if err == nil && !r.chart.thirdParty {
		err = texts(all)
	}
	if err != nil {
		return found("readable", err)
	}
	r.layers = all
	r.outcome.Values = Explain(all)
	image := effective(all, "image.repository")
	if digest := effective(all, "image.digest"); digest != "" {
		image += "@" + digest
	} else if tag := effective(all, "image.tag"); tag != "" {
		image += ":" + tag
	}
	r.outcome.Metadata.Image = image
	return pipelines.Result{Judged: map[string]int{"files": len(all), "values": len(r.outcome.Values)}}
}

func (r *running) source() source { return source{Chart: r.chart.Path, Values: files(r.layers)} }

// template renders without the cluster: it finds what is wrong before anything is asked there.
func (r *running) template(ctx context.Context) pipelines.Result {
	text, err := r.ask(ctx, templateArgv(r.place, r.source(), len(r.history) > 0))
	if err != nil {
		return failed("rendered", err)
	}
	list, err := objects(text)
	if err != nil {
		return found("rendered", err)
	}
	if len(list) == 0 {
		return found("rendered", errors.New("the chart renders no resource"))
	}
	r.rendered = text
	return pipelines.Result{Judged: map[string]int{"resources": len(list)}}
}

// failed is a finding where the tool judged what it was given, and not run where it could not.
func failed(rule string, err error) pipelines.Result {
	var f *Failure
	if !errors.As(err, &f) || f.Kind == Unreachable || f.Kind == Denied || f.Kind == NoContext || f.Kind == Throttled {
		return pipelines.NotRunBecause(err)
	}
	return found(rule, err)
}

func (r *running) policy(ctx context.Context) pipelines.Result { return r.judged(ctx, r.rendered) }

func (r *running) judged(ctx context.Context, manifest []byte) pipelines.Result {
	policy := r.deploy.Policy
	if policy == nil {
		policy = r.ours
	}
	result, notices, err := policy(ctx, manifest)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	r.outcome.Report.Notices = append(r.outcome.Report.Notices, notices...)
	return result
}

// ours judges by the schemas of Kubernetes and by our policies. Waivers of the service's
// penstock.yaml count, for the unit SERVICE/helm-deploy.
func (r *running) ours(ctx context.Context, stream []byte) (pipelines.Result, []pipelines.Notice, error) {
	judged, err := manifest.Judge(ctx, stream, manifest.Options{Name: r.outcome.Chart, Unit: r.unit.Path, Namespace: r.Namespace, Config: r.Config})
	if err != nil {
		return pipelines.Result{}, nil, err
	}
	return judged.Result, judged.Notices, nil
}

// takeLease keeps others out, and repairs what a killed run left. A dry run does neither.
func (r *running) takeLease(ctx context.Context) pipelines.Result {
	if r.DryRun {
		return r.lookAtLease(ctx)
	}
	if err := r.guard.take(ctx); err != nil {
		return pipelines.NotRunBecause(err)
	}
	r.kept, r.stop = r.guard.lease.Keep(ctx)
	ctx = r.kept
	if r.guard.took != "" {
		r.notice("%s", r.guard.took)
	}
	if err := r.guard.intend(ctx, r.outcome.Metadata.Description()+" chart="+r.outcome.Chart); err != nil {
		return pipelines.NotRunBecause(err)
	}
	history, err := r.client.history(ctx) // somebody may have been at work until now
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	r.history = history
	done, err := r.repair(ctx, r.guard, history, r.outcome.Metadata)
	if err != nil {
		return failedRepair(err)
	}
	if done != "" {
		r.outcome.Repaired = done
		r.notice("%s", done)
		if r.history, err = r.client.history(ctx); err != nil {
			return pipelines.NotRunBecause(err)
		}
	}
	if err := r.guard.settle(ctx, "the release was found in order, or repaired, by run "+r.owner.Run); err != nil {
		return pipelines.NotRunBecause(err)
	}
	return pipelines.Result{}
}

func failedRepair(err error) pipelines.Result {
	result := pipelines.NotRunBecause(err)
	result.Reason = "the release is not in order: " + result.Reason
	return result
}

func (r *running) lookAtLease(ctx context.Context) pipelines.Result {
	holder, err := r.guard.look(ctx)
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	if holder != "" {
		r.notice("the release is being changed by %s", holder)
	}
	if what, to := diagnose(r.history); what != none {
		last := r.history[len(r.history)-1]
		do := string(what)
		if what == rollBack {
			do = fmt.Sprintf("roll it back to revision %d", to)
		}
		return found("pending", &pipelines.Error{Err: fmt.Errorf("revision %d is %s", last.Revision, last.Status),
			Hint: fmt.Sprintf("without --dry-run, helm-deploy would %s first, if the run that left it is over", do)})
	}
	return pipelines.Result{}
}

// deployed is the revision that is deployed; 0 where none is.
func deployed(history []Revision) int {
	for i := len(history) - 1; i >= 0; i-- {
		if history[i].Status == "deployed" {
			return history[i].Revision
		}
	}
	return 0
}

// changes are the outcome's in the words of the ledger.
func (r *running) changes() []ledger.Change {
	var list []ledger.Change
	for _, c := range r.outcome.Changes {
		list = append(list, ledger.Change{Address: c.Resource, Actions: []string{c.Action}})
	}
	return list
}
