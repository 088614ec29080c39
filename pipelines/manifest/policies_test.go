package manifest

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/penstock-dev/penstock/pipelines/compliance"
	"github.com/penstock-dev/penstock/policies"
)

// The tests beside the rules hold, every rule has one, and together they reach them all.
func TestPoliciesByTheirTests(t *testing.T) {
	modules, rules := map[string]*ast.Module{}, map[string]*ast.Module{}
	tested := map[string]bool{}
	err := fs.WalkDir(policies.Kubernetes, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policies.Kubernetes, name)
		if err != nil {
			return err
		}
		if formatted, err := format.SourceWithOpts(name, text, format.Opts{RegoVersion: ast.RegoV1}); err != nil || string(formatted) != string(text) {
			t.Errorf("%s is not formatted: opa fmt (%v)", name, err)
		}
		m, err := ast.ParseModuleWithOpts(name, string(text), ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true})
		if err != nil {
			return err
		}
		modules[name] = m
		if strings.HasSuffix(name, "_test.rego") {
			tested[path.Dir(name)] = true
			return nil
		}
		rules[name] = m
		if want := "data.penstock." + strings.ReplaceAll(path.Dir(name), "/", "."); m.Package.Path.String() != want {
			t.Errorf("%s is of the package %s, want %s", name, m.Package.Path, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range rules {
		if dir := path.Dir(name); len(m.Annotations) > 0 && !tested[dir] {
			t.Errorf("%s has no test", dir)
		}
	}
	coverage := cover.New()
	results, err := tester.NewRunner().SetCompiler(ast.NewCompiler().WithEnablePrintStatements(true)).SetCoverageQueryTracer(coverage).
		SetModules(modules).RunTests(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for result := range results {
		count++
		if !result.Pass() {
			t.Errorf("%s.%s: failed (%v)", result.Package, result.Name, result.Error)
		}
	}
	report := coverage.Report(rules)
	t.Logf("%d tests, Rego coverage %.1f %%", count, report.Coverage)
	if count < 50 || report.Coverage < 95 {
		for name, file := range report.Files {
			for _, r := range file.NotCovered {
				t.Errorf("not covered: %s:%d-%d", name, r.Start.Row, r.End.Row)
			}
		}
	}
}

// Each domain of rules is embedded in one of the two, and neither judges what is the other's.
func TestDomainsAreApart(t *testing.T) {
	ours, err := compliance.Load(t.Context(), compliance.Source{Name: "policies", FS: policies.Kubernetes})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := compliance.Load(t.Context(), compliance.Source{Name: "policies", FS: policies.FS})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, rule := range theirs {
		ids[rule.ID] = true
		for typ := range rule.Resources {
			if !strings.HasPrefix(typ, "aws_") {
				t.Errorf("%s judges %s", rule.ID, typ)
			}
		}
	}
	for _, rule := range ours {
		if ids[rule.ID] {
			t.Errorf("the id %s is that of a rule on resources too", rule.ID)
		}
		for typ := range rule.Resources {
			if strings.Contains(typ, "_") {
				t.Errorf("%s judges %s", rule.ID, typ)
			}
		}
	}
	if len(ours) != 15 || len(theirs) < 35 {
		t.Errorf("%d rules on objects, %d on resources", len(ours), len(theirs))
	}
}

// A field that a rule names by mistake would always be absent, and the rule would
// pass or fail on everything: each is in the schemas of all versions.
func TestRulesNameFieldsThatExist(t *testing.T) {
	rules, err := compliance.Load(t.Context(), compliance.Source{Name: "policies", FS: policies.Kubernetes})
	if err != nil {
		t.Fatal(err)
	}
	all, err := files()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for version, d := range all {
		kinds := map[string]string{"pod": "io.k8s.api.core.v1.PodTemplateSpec"}
		for kind, definition := range d.Kinds {
			if name := path.Base(kind); kinds[name] == "" || strings.HasPrefix(kind, "autoscaling/v2/") {
				kinds[name] = definition
			}
		}
		for _, rule := range rules {
			for _, types := range []map[string][]string{rule.Resources, rule.Related} {
				for kind, paths := range types {
					for _, at := range paths {
						if at == "namespace" || at == "owner.kind" { // ours
							continue
						}
						checked++
						if !exists(d.Definitions.(map[string]any), map[string]any{"$ref": "/" + kinds[kind]}, strings.Split(at, ".")) {
							t.Errorf("%s: %s has no %s in %s", rule.ID, kind, at, version)
						}
					}
				}
			}
		}
	}
	if checked < 3*50 {
		t.Errorf("only %d fields were looked at", checked)
	}
}

func exists(definitions, schema map[string]any, at []string) bool {
	if ref, ok := schema["$ref"].(string); ok {
		schema, _ = definitions[path.Base(ref)].(map[string]any)
	}
	if len(at) == 0 || schema == nil {
		return schema != nil
	}
	if items, ok := schema["items"].(map[string]any); ok {
		return exists(definitions, items, at)
	}
	properties, _ := schema["properties"].(map[string]any)
	inner, ok := properties[at[0]].(map[string]any)
	return ok && exists(definitions, inner, at[1:])
}

func TestVersions(t *testing.T) {
	if got := Versions(); !slices.Equal(got, []string{"1.34", "1.35", "1.36"}) {
		t.Errorf("%v", got)
	}
}
