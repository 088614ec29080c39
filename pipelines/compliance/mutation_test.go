package compliance

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/resource"
)

// pool are values of which some break any rule.
var pool = []any{nil, true, false, "", "*", "x", 0.0, 22.0, "0.0.0.0/0", "public-read", "tcp", "HTTP", []any{}, []any{"*"}, []any{"0.0.0.0/0"},
	[]any{map[string]any{}}, map[string]any{}}

// Where an argument of a resource that passes becomes unknown, the resource no
// longer passes, unless it would whatever the value. A rule must not fail to
// evaluate on an unknown either.
func TestUnknownArgumentsDoNotPass(t *testing.T) {
	unknown := map[string]any{"$unknown": map[string]any{"message": "it is not known"}}
	checked := 0
	for _, rule := range builtin(t) {
		archive, err := txtar.ParseFile(filepath.Join("../../policies/testdata", rule.ID+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		d, err := resource.FromConfiguration(t.Context(), fstest.MapFS{"main.tf": {Data: archive.Files[0].Data}}, ".", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range d.Resources {
			for _, path := range slices.Concat(rule.Resources[r.Type], rule.Related[r.Type]) {
				name, _, _ := strings.Cut(path, ".")
				verdict := func(value any) (pipelines.Verdict, error) {
					changed := *d
					changed.Resources = slices.Clone(d.Resources)
					changed.Resources[i].Values = maps.Clone(r.Values)
					changed.Resources[i].Values[name] = value
					if value == nil {
						delete(changed.Resources[i].Values, name)
					}
					decisions, err := Decide(t.Context(), []*Rule{rule}, &changed, settings, time.Minute)
					worst := pipelines.Pass
					for _, decision := range decisions {
						worst = worst.Worse(decision.Verdict)
					}
					return worst, err
				}
				got, err := verdict(unknown)
				if err != nil {
					t.Errorf("%s with %s unknown: %v", r.Address, name, err)
				}
				checked++
				if got != pipelines.Pass {
					continue
				}
				for _, value := range pool {
					if v, err := verdict(value); err == nil && v == pipelines.Fail {
						t.Errorf("%s: %s passes with %s unknown, but fails with %v", rule.ID, r.Address, name, value)
					}
				}
			}
		}
	}
	t.Logf("%d arguments made unknown", checked)
	if checked < 80 {
		t.Error("too few arguments were reached")
	}
}
