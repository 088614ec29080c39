package compliance

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"

	"github.com/penstock-dev/penstock/pipelines/resource"
	"github.com/penstock-dev/penstock/policies"
)

// notInSchema are types of which the recorded schema of the AWS provider does not tell.
var notInSchema = []string{"aws_dms_replication_instance", "aws_elasticsearch_domain"}

// An argument that a rule names by mistake would always be absent, and the rule
// would pass or fail on everything: each is in the provider's schema.
func TestRulesNameArgumentsThatExist(t *testing.T) {
	text, err := os.ReadFile("../../policies/testdata/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string][]string
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, rule := range builtin(t) {
		for _, types := range []resource.Wanted{rule.Resources, rule.Related} {
			for name, paths := range types {
				if slices.Contains(notInSchema, name) {
					continue
				}
				for _, path := range paths {
					checked++
					if !slices.Contains(schema[name], path) {
						t.Errorf("%s: %s has no %s", rule.ID, name, path)
					}
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d arguments were looked at", checked)
	}
}

func TestRulesAreFormatted(t *testing.T) {
	modules := map[string]*ast.Module{}
	if err := parse(Source{"policies", policies.FS}, modules); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		formatted, err := format.SourceWithOpts(name, text, format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
		if string(formatted) != string(text) {
			if *update {
				if err := os.WriteFile("../../"+name, formatted, 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			t.Errorf("%s is not formatted: go test ./pipelines/compliance -update", name)
		}
	}
}
