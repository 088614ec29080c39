package compliance

import (
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/resource"
)

// What a plan of Terraform hides does not pass: "want" holds the verdicts on
// configuration and on its plan, wherever either is no pass.
func TestPlansDoNotPassWhatTheyHide(t *testing.T) {
	rules := builtin(t)
	for _, name := range []string{"hidden", "instances"} {
		t.Run(name, func(t *testing.T) {
			dir := path.Join("testdata/plans", name)
			configured, err := resource.FromConfiguration(t.Context(), os.DirFS(dir), ".", wanted(rules))
			if err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(path.Join(dir, "plan.json"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			planned, err := resource.FromPlan(t.Context(), file, "plan.json", wanted(rules))
			if err != nil {
				t.Fatal(err)
			}
			a, b := verdicts(t, rules, configured), verdicts(t, rules, planned)
			var got strings.Builder
			for _, key := range slices.Sorted(maps.Keys(a)) {
				if a[key] != pipelines.Pass || b[key] != pipelines.Pass {
					fmt.Fprintf(&got, "%s: %s, plan %s\n", key, a[key], b[key])
				}
			}
			golden := path.Join(dir, "want")
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(golden); err != nil || string(want) != got.String() {
				t.Errorf("go test ./pipelines/compliance -update rewrites it; got\n%s(%v)", got.String(), err)
			}
		})
	}
}
