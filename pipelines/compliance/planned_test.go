package compliance

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/resource"
)

// asPlan writes a document as the JSON of a plan: what is known is planned, what
// is not is unknown, and references stand in the configuration.
func asPlan(t *testing.T, d *resource.Document) []byte {
	t.Helper()
	var changes, configured []any
	for _, r := range d.Resources {
		after, unknown, expressions := split(r.Values, r.Key)
		address, _, _ := strings.Cut(r.Address, "[")
		change := map[string]any{"actions": []string{"create"}, "after": after, "after_unknown": unknown}
		changes = append(changes, map[string]any{"address": r.Address, "mode": r.Mode, "type": r.Type, "name": r.Name, "index": r.Key, "change": change})
		configured = append(configured, map[string]any{"address": address, "expressions": expressions})
	}
	text, err := json.Marshal(map[string]any{"format_version": "1.2", "resource_changes": changes,
		"configuration": map[string]any{"root_module": map[string]any{"resources": configured}}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// split parts a value into what is planned, what is unknown, and what is written.
func split(v, own any) (after, unknown, written any) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v[resource.RefMarker].(map[string]any); ok {
			base := ref["address"].(string)
			if key, ok := ref["key"]; ok && key == own { // this[each.key].id: of it a plan lists less
				return nil, true, map[string]any{"references": []string{base, "each.key"}}
			} else if ok {
				text, _ := json.Marshal(key)
				base += "[" + string(text) + "]"
			}
			return nil, true, map[string]any{"references": []string{base + "." + ref["attribute"].(string), base}}
		}
		if _, ok := v[resource.UnknownMarker]; ok || v[resource.PartialMarker] != nil {
			return nil, true, map[string]any{"references": []string{"var.v"}}
		}
		a, u, w := map[string]any{}, map[string]any{}, map[string]any{}
		for key, member := range v {
			planned, flag, expression := split(member, own)
			w[key] = expression
			if flag != false {
				u[key] = flag
			}
			if flag != true {
				a[key] = planned
			}
		}
		return a, u, w
	case []any:
		a, u, w := []any{}, []any{}, []any{}
		for _, item := range v {
			planned, flag, expression := split(item, own)
			a, u, w = append(a, planned), append(u, flag), append(w, expression)
		}
		return a, u, w
	}
	return v, false, map[string]any{"constant_value": v}
}

// The fixtures say the same as plans, but for policies with references in them:
// of these a plan knows nothing.
func TestFixturesSayTheSameAsPlans(t *testing.T) {
	judged := 0
	for _, rule := range builtin(t) {
		archive, err := txtar.ParseFile(filepath.Join("../../policies/testdata", rule.ID+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			d, err := resource.FromConfiguration(t.Context(), fstest.MapFS{"main.tf": {Data: file.Data}}, ".", nil)
			if err != nil {
				t.Fatal(err)
			}
			planned, err := resource.FromPlan(t.Context(), bytes.NewReader(asPlan(t, d)), "plan.json", wanted([]*Rule{rule}))
			if err != nil {
				t.Fatalf("%s/%s: %v", rule.ID, file.Name, err)
			}
			a, err := Decide(t.Context(), []*Rule{rule}, d, settings, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			b, err := Decide(t.Context(), []*Rule{rule}, planned, settings, time.Minute)
			if err != nil {
				t.Fatalf("%s/%s: %v", rule.ID, file.Name, err)
			}
			if len(a) != len(b) {
				t.Fatalf("%s/%s: %d decisions on configuration, %d on the plan", rule.ID, file.Name, len(a), len(b))
			}
			for i := range a {
				if a[i].Resource.Name == "by_default" { // what a provider sets by itself stands in a plan only
					continue
				}
				judged++
				policy := strings.HasPrefix(rule.ID, "iam-") || strings.Contains(rule.ID, "policy")
				if a[i].Verdict != b[i].Verdict && !(policy && b[i].Verdict == pipelines.Unknown) {
					t.Errorf("%s/%s: %s is %s in configuration, %s in the plan: %v", rule.ID, file.Name, a[i].Resource.Address, a[i].Verdict, b[i].Verdict, b[i].Notes)
				}
			}
		}
	}
	t.Logf("%d verdicts", judged)
}
