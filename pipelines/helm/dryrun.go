package helm

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// answer is what of a release's JSON counts here.
type answer struct {
	Version  int    `json:"version"`
	Manifest string `json:"manifest"`
	// Config are the values that the release is given beside the chart's own.
	Config json.RawMessage `json:"config"`
	Hooks  []struct {
		Path     string `json:"path"`
		Manifest string `json:"manifest"`
	} `json:"hooks"`
	Info struct {
		Status string `json:"status"`
	} `json:"info"`
}

// dryRun renders with what the cluster says of itself, judges that by policy where it is
// another manifest than before, and lets the API server judge it as if it were applied.
func (r *running) dryRun(ctx context.Context) pipelines.Result {
	text, err := r.ask(ctx, upgradeArgv(r.place, r.source(), r.bounds, r.outcome.Metadata, true))
	if err != nil {
		return failed("server", err)
	}
	var said answer
	if err := json.Unmarshal(text, &said); err != nil {
		return pipelines.NotRunBecause(fmt.Errorf("reading what helm upgrade --dry-run=server printed: %w", err))
	}
	hooks := make([][]byte, len(said.Hooks))
	for i, hook := range said.Hooks {
		hooks[i] = []byte("# Source: " + hook.Path + "\n" + hook.Manifest)
	}
	r.manifest, r.hooks, r.given = []byte(said.Manifest), join(hooks...), said.Config
	same, err := sameObjects(r.rendered, join(r.manifest, r.hooks))
	if err != nil {
		return found("server", err)
	}
	if !same {
		r.notice("the cluster's rendering differs from the one without it: it was judged by policy too")
		if result := r.judged(ctx, join(r.manifest, r.hooks)); verdict(result) != pipelines.Pass && verdict(result) != pipelines.Waived {
			return result
		}
	}
	return r.admit(ctx)
}

// sameObjects compares two manifests, but for definitions, which only one of them has.
func sameObjects(rendered, server []byte) (bool, error) {
	list, err := objects(rendered)
	if err != nil {
		return false, err
	}
	var kept [][]byte
	for _, o := range list {
		if o.Kind != "CustomResourceDefinition" {
			kept = append(kept, []byte(asResource(o.text)))
		}
	}
	other, err := objects(server)
	if err != nil {
		return false, err
	}
	var theirs [][]byte
	for _, o := range other {
		if o.Kind != "CustomResourceDefinition" {
			theirs = append(theirs, []byte(asResource(o.text)))
		}
	}
	changes, err := compare(join(kept...), join(theirs...))
	return len(changes) == 0, err
}

// asResource makes a hook count in a comparison.
func asResource(text string) string {
	return strings.ReplaceAll(text, "helm.sh/hook", "penstock.dev/hook")
}

// admit asks the API server about each resource and each hook, but for kinds that the
// chart itself defines, which the server does not know yet.
func (r *running) admit(ctx context.Context) pipelines.Result {
	list, err := objects(join(r.rendered, nil))
	if err != nil {
		return found("server", err)
	}
	own := map[string]bool{}
	for _, o := range list {
		if spec, ok := o.body["spec"].(map[string]any); ok && o.Kind == "CustomResourceDefinition" {
			names, _ := spec["names"].(map[string]any)
			kind, _ := names["kind"].(string)
			own[kind] = true
		}
	}
	if list, err = objects(r.manifest); err != nil {
		return found("server", err)
	}
	var asked [][]byte
	for _, o := range list {
		if !own[o.Kind] {
			asked = append(asked, []byte(o.text))
		}
	}
	hooks, count, err := renamed(r.hooks)
	if err != nil {
		return found("server", err)
	}
	for _, question := range []struct {
		argv  []string
		about []byte
	}{{admitArgv(r.place, "name"), join(asked...)}, {createArgv(r.place), hooks}} {
		if len(question.about) == 0 {
			continue // kubectl takes nothing for an error
		}
		out, err := r.run(ctx, question.about, r.kubectl, question.argv...)
		if err != nil {
			return pipelines.NotRunBecause(err)
		}
		if err := judge("kubectl "+question.argv[0]+" --dry-run=server", out); err != nil {
			return failed("admission", err)
		}
	}
	return pipelines.Result{Judged: map[string]int{"resources": len(asked), "hooks": count}}
}

// renamed are hooks under names that are free: those of the run before may be there
// still, and helm takes them away only when it runs them.
func renamed(manifest []byte) (whole []byte, count int, err error) {
	list, err := objects(manifest)
	if err != nil {
		return nil, 0, err
	}
	var hooks []json.RawMessage
	for _, o := range list {
		const suffix = "-dry-run"
		meta := maps.Clone(o.body["metadata"].(map[string]any))
		meta["name"] = strings.TrimRight(o.Name[:min(len(o.Name), 63-len(suffix))], "-.") + suffix
		body := maps.Clone(o.body)
		body["metadata"] = meta
		text, err := json.Marshal(body)
		if err != nil {
			return nil, 0, fmt.Errorf("reading the hook %s: %w", o.id(), err)
		}
		hooks = append(hooks, text)
	}
	if len(hooks) == 0 {
		return nil, 0, nil
	}
	whole, err = json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": hooks})
	return whole, len(hooks), err
}

// diff says what the deploy changes, against the manifest of what is deployed.
func (r *running) diff(ctx context.Context) pipelines.Result {
	before, hooks, err := r.content(ctx, deployed(r.history))
	if err == nil {
		err = r.change(before, hooks, r.manifest, r.hooks)
	}
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	return pipelines.Result{Judged: map[string]int{"changes": len(r.outcome.Changes)}}
}

// content is the manifest of a revision and its hooks; nothing where the revision is 0.
func (r *running) content(ctx context.Context, revision int) (manifest, hooks []byte, err error) {
	if revision == 0 {
		return nil, nil, nil
	}
	if manifest, err = r.ask(ctx, getArgv(r.place, "manifest", revision)); err != nil {
		return nil, nil, err
	}
	hooks, err = r.ask(ctx, getArgv(r.place, "hooks", revision))
	return manifest, hooks, err
}

// change fills the outcome's changes in, those of hooks last.
func (r *running) change(before, hooksBefore, after, hooksAfter []byte) error {
	r.outcome.From = deployed(r.history)
	changes, err := compare(before, after)
	if err != nil {
		return err
	}
	hooks, err := compare([]byte(asResource(string(hooksBefore))), []byte(asResource(string(hooksAfter))))
	if err != nil {
		return err
	}
	for _, c := range hooks {
		c.Resource, c.Diff = c.Resource+" (hook)", strings.ReplaceAll(c.Diff, "penstock.dev/hook", "helm.sh/hook")
		changes = append(changes, c)
	}
	r.outcome.Changes = append(r.outcome.Changes, changes...)
	return nil
}
