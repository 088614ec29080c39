package helm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// unchanged says why there is nothing to deploy: the release is of the same chart, bundle
// and image, with the same values, manifest and hooks, and the cluster has it as it was
// released. "" where there is something to do, and where that cannot be told: an upgrade
// mends what was changed or taken away by hand, and waits for what is not ready.
func (r *running) unchanged(ctx context.Context) string {
	if len(r.history) == 0 || len(r.outcome.Changes) > 0 {
		return ""
	}
	last := r.history[len(r.history)-1]
	was, ours := Described(last.Description)
	is, _ := Described(r.outcome.Metadata.Description()) // as it would be kept
	if last.Status != "deployed" || !ours || was.RollbackTo != 0 || last.Chart != r.outcome.Chart ||
		was.Environment != is.Environment || was.Image != is.Image || was.Bundle != is.Bundle {
		return ""
	}
	values, err := r.ask(ctx, getArgv(r.place, "values", last.Revision))
	if err != nil || !sameValues(values, r.given) {
		return ""
	}
	if same, err := r.stands(ctx); err != nil || !same {
		return ""
	}
	return fmt.Sprintf("unchanged: revision %d has the same chart, bundle, image, values and manifest, and the cluster has it so", last.Revision)
}

// sameValues compares what a release was given; none may be null or an empty mapping.
func sameValues(a, b []byte) bool {
	var one, other map[string]any
	if json.Unmarshal(a, &one) != nil || json.Unmarshal(b, &other) != nil {
		return false
	}
	return len(one) == 0 && len(other) == 0 || reflect.DeepEqual(one, other)
}

// stands says whether applying the manifest would change nothing in the cluster, and
// whether its workloads are ready.
func (r *running) stands(ctx context.Context) (bool, error) {
	asked, err := r.stamped()
	if err != nil {
		return false, err
	}
	live, err := r.objectsOf(ctx, asked, r.place.kubectl("get", "--filename", "-", "--output", "json", "--request-timeout", "30s"))
	if err != nil {
		return false, err
	}
	applied, err := r.objectsOf(ctx, asked, admitArgv(r.place, "json"))
	if err != nil || len(live) == 0 || len(live) != len(applied) {
		return false, err
	}
	for id, o := range live {
		if !ready(o) || !reflect.DeepEqual(settled(o), settled(applied[id])) {
			return false, nil
		}
	}
	return true, nil
}

// stamped is the manifest with what helm adds to each object that it applies.
func (r *running) stamped() ([]byte, error) {
	list, err := objects(r.manifest)
	if err != nil {
		return nil, err
	}
	var items []map[string]any
	for _, o := range list {
		meta, _ := o.body["metadata"].(map[string]any)
		meta = maps.Clone(meta)
		for field, add := range map[string]map[string]any{
			"labels":      {"app.kubernetes.io/managed-by": "Helm"},
			"annotations": {"meta.helm.sh/release-name": r.place.Release, "meta.helm.sh/release-namespace": r.Namespace},
		} {
			own, _ := meta[field].(map[string]any)
			all := map[string]any{}
			maps.Copy(all, own)
			maps.Copy(all, add)
			meta[field] = all
		}
		body := maps.Clone(o.body)
		body["metadata"] = meta
		items = append(items, body)
	}
	if len(items) == 0 {
		return nil, errors.New("the manifest holds no resource")
	}
	return json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
}

// objectsOf are what kubectl prints of the resources that it is asked about.
func (r *running) objectsOf(ctx context.Context, about []byte, argv []string) (map[string]map[string]any, error) {
	out, err := r.run(ctx, about, r.kubectl, argv...)
	if err == nil {
		err = judge("kubectl "+argv[0], out)
	}
	if err != nil {
		return nil, err
	}
	found := map[string]map[string]any{}
	for d := json.NewDecoder(bytes.NewReader(out.Stdout)); ; {
		var o map[string]any
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading what kubectl %s printed: %w", argv[0], err)
		}
		items, isList := o["items"].([]any)
		if !isList {
			items = []any{o}
		}
		for _, item := range items {
			one, ok := item.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("reading what kubectl %s printed: there is something that is no resource", argv[0])
			}
			found[fmt.Sprint(one["apiVersion"], one["kind"], at(one, "metadata", "namespace"), at(one, "metadata", "name"))] = one
		}
	}
}

func at(v any, keys ...string) any {
	for _, key := range keys {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// settled is a resource without what the server writes at each request, and what is
// beyond the manifest.
func settled(o map[string]any) map[string]any {
	meta, _ := o["metadata"].(map[string]any)
	meta, o = maps.Clone(meta), maps.Clone(o)
	for _, name := range []string{"managedFields", "resourceVersion", "generation"} {
		delete(meta, name)
	}
	o["metadata"] = meta
	delete(o, "status")
	return o
}

// ready says whether a workload has all the pods that it asks for, of its newest template.
func ready(o map[string]any) bool {
	number := func(keys ...string) float64 {
		n, _ := at(o, keys...).(float64)
		return n
	}
	wanted, has := 0.0, []string(nil)
	switch o["kind"] {
	case "Deployment":
		wanted, has = number("spec", "replicas"), []string{"updatedReplicas", "availableReplicas"}
	case "StatefulSet":
		wanted, has = number("spec", "replicas"), []string{"updatedReplicas", "readyReplicas"}
	case "DaemonSet":
		wanted, has = number("status", "desiredNumberScheduled"), []string{"updatedNumberScheduled", "numberAvailable"}
	default:
		return true
	}
	for _, name := range has {
		if number("status", name) < wanted {
			return false
		}
	}
	return number("status", "observedGeneration") >= number("metadata", "generation")
}

// leave writes down that nothing had to be done.
func (r *running) leave(ctx context.Context, why string) pipelines.Result {
	if err := r.guard.record(ctx, ledger.Finished, ledger.Payload{Result: &ledger.Result{OK: true}, Note: why}); err != nil {
		return pipelines.NotRunBecause(err)
	}
	r.outcome.Revision, r.outcome.Unchanged = r.outcome.From, true
	r.outcome.Metadata, _ = Described(r.history[len(r.history)-1].Description)
	return pipelines.Result{Verdict: pipelines.Pass, Reason: why, Judged: map[string]int{"changes": 0}}
}
