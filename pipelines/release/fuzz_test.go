package release

import (
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// Whatever a file holds is read or refused with its place, and is the same as itself.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{vpc, "variable \"x\" {\n  type = object({a=optional(list(string), [\"x\"])})\n  default = {}\n}\n", "module \"m\" {\n  source = \"./m\"\n}\n",
		"terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\", version = \"~> 5.0\", configuration_aliases = [aws.a] }\n  }\n}\n",
		"moved {\n  from = a.b[0]\n  to = module.x[\"k\"].a.b\n}\nremoved {\n  from = a.c\n}\n", "{\"variable\": {\"a\": {\"default\": 1e400}}}", "variable \"x\" {\n  default = 1e99999999\n}\n"} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, json bool) {
		name := "m/main.tf"
		if json {
			name += ".json"
		}
		s, err := newSnapshot(t.Context(), "", git.InMemory(map[string]string{name: text, "m/m/main.tf": vpc}, nil))
		if err != nil {
			t.Fatal(err)
		}
		is, _, err := s.read("m", terraform)
		if err != nil {
			if strings.Contains(err.Error(), "internal error") {
				t.Fatalf("it panics: %v", err)
			}
			return
		}
		if changes, err := compare(is, is); err != nil || len(changes) > 0 {
			t.Fatalf("it differs from itself: %v, %v", changes, err)
		}
		if a, b := encoded(is), encoded(is); a != b {
			t.Fatal("it is not the same twice")
		}
	})
}
