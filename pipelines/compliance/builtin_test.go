package compliance

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/rego"
	"golang.org/x/tools/txtar"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/resource"
	"github.com/penstock-dev/penstock/policies"
)

var update = flag.Bool("update", false, "rewrite docs/rules.md")

// settings are those that the fixtures of the built-in rules are judged with.
var settings = map[string]any{"allowed_ports": []any{443}, "required_tags": []any{"Owner"}, "disposable": []any{"environment=dvlp"}, "custom": map[string]any{},
	"bastion": map[string]any{"security_groups": []any{}, "cidrs": []any{}}}

func builtin(t *testing.T) []*Rule {
	t.Helper()
	rules, err := Load(t.Context(), Source{"policies", policies.FS})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// neutral are resources of a fixture that only stand beside what is judged.
var neutral = []string{"bastion", "jump", "other", "named", "x"}

// Every rule has a fixture, and says of each resource in it what the file's name says.
func TestBuiltinRulesSayWhatTheirFixturesSay(t *testing.T) {
	coverage := cover.New()
	observed = []rego.EvalOption{rego.EvalQueryTracer(coverage)}
	defer func() { observed = nil }()
	for _, rule := range builtin(t) {
		t.Run(rule.ID, func(t *testing.T) {
			archive, err := txtar.ParseFile(filepath.Join("../../policies/testdata", rule.ID+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range archive.Files {
				want := pipelines.Verdict(strings.TrimSuffix(file.Name, ".tf"))
				d, err := resource.FromConfiguration(t.Context(), fstest.MapFS{"main.tf": {Data: file.Data}}, ".", nil)
				if err != nil {
					t.Fatal(err)
				}
				decisions, err := Decide(t.Context(), []*Rule{rule}, d, settings, time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				seen := 0
				for _, decision := range decisions {
					if want != pipelines.Pass && slices.Contains(neutral, decision.Resource.Name) && decision.Verdict == pipelines.Pass {
						continue
					}
					seen++
					if decision.Verdict != want {
						t.Errorf("%s: %s is %s: %v", file.Name, decision.Resource.Address, decision.Verdict, decision.Notes)
					}
				}
				if seen == 0 {
					t.Errorf("%s: the rule judges nothing in it", file.Name)
				}
			}
		})
	}
	covered(t, coverage)
}

// covered prints how much of the rules the fixtures reach.
func covered(t *testing.T, c *cover.Cover) {
	modules := map[string]*ast.Module{}
	if err := parse(Source{"policies", policies.FS}, modules); err != nil {
		t.Fatal(err)
	}
	report := c.Report(modules)
	t.Logf("Rego coverage %.1f %%", report.Coverage)
	if report.Coverage < 95 {
		for _, name := range slices.Sorted(maps.Keys(report.Files)) {
			for _, r := range report.Files[name].NotCovered {
				t.Logf("not covered: %s:%d-%d", name, r.Start.Row, r.End.Row)
			}
		}
		t.Errorf("Rego coverage is %.1f %%, at least 95 is wanted", report.Coverage)
	}
}

// A verdict on configuration and one on its plan agree wherever both are decided.
func TestPlansAndConfigurationAgree(t *testing.T) {
	rules := builtin(t)
	for name, wanted := range map[string]map[pipelines.Verdict]int{
		"secure":            {pipelines.Fail: 0, pipelines.Unknown: 0},
		"insecure":          {pipelines.Fail: 34, pipelines.Unknown: 0},
		"unknowns":          {pipelines.Unknown: 3},
		"modules-and-loops": {pipelines.Unknown: 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := path.Join("testdata/plans", name)
			root := os.DirFS(dir)
			configured, err := resource.FromConfiguration(t.Context(), root, ".", nil)
			if err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(path.Join(dir, "plan.json"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			planned, err := resource.FromPlan(t.Context(), file, "plan.json", nil)
			if err != nil {
				t.Fatal(err)
			}
			a, b := verdicts(t, rules, configured), verdicts(t, rules, planned)
			counts := map[pipelines.Verdict]int{}
			for key, verdict := range a {
				counts[verdict]++
				other, ok := b[key]
				if !ok {
					t.Errorf("%s: not in the plan", key)
				}
				if verdict != other && verdict != pipelines.Unknown && other != pipelines.Unknown {
					t.Errorf("%s: %s in configuration, %s in the plan", key, verdict, other)
				}
			}
			if len(a) == 0 || len(a) != len(b) {
				t.Errorf("%d verdicts on configuration, %d on the plan", len(a), len(b))
			}
			for verdict, n := range wanted {
				if counts[verdict] != n {
					t.Errorf("%d are %s, want %d", counts[verdict], verdict, n)
				}
			}
		})
	}
}

func verdicts(t *testing.T, rules []*Rule, d *resource.Document) map[string]pipelines.Verdict {
	t.Helper()
	decisions, err := Decide(t.Context(), rules, d, map[string]any{"allowed_ports": []any{}, "required_tags": []any{}, "bastion": settings["bastion"]}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]pipelines.Verdict{}
	for _, decision := range decisions {
		out[decision.Rule.ID+" "+decision.Resource.Address] = decision.Verdict
	}
	return out
}

// docs/rules.md lists what there is.
func TestRulesAreListed(t *testing.T) {
	var b strings.Builder
	b.WriteString("# The built-in rules\n\nWritten by `go test ./pipelines/compliance -update` from the METADATA of `policies/`. Switch a rule off, let its\nunknowns pass, or excuse a finding in [penstock.yaml](penstock-yaml.md).\n\n| id | severity | holds when | judges |\n|---|---|---|---|\n")
	for _, rule := range builtin(t) {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", rule.ID, rule.Severity, rule.Title, strings.Join(sorted(rule.Resources), ", "))
	}
	b.WriteString("\nA module that is not in the repository cannot be looked into: it is unknown under the id `external-module`.\n")
	file := "../../docs/rules.md"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != b.String() {
		t.Errorf("docs/rules.md is stale: go test ./pipelines/compliance -update (%v)", err)
	}
}
