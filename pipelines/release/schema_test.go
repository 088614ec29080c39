package release

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	reflected "github.com/invopop/jsonschema"

	"github.com/penstock-dev/penstock/pipelines/internal/schematest"
)

var update = flag.Bool("update", false, "rewrite the schemas")

// generate makes the schema of a type; those of other packages have their comments too.
func generate(t *testing.T, name, title string, of any) []byte {
	t.Helper()
	reflector := &reflected.Reflector{ExpandedStruct: true}
	for base, dir := range map[string]string{"github.com/penstock-dev/penstock/pipelines/release": ".", "github.com/penstock-dev/penstock/pipelines/forge": "../forge"} {
		if err := reflector.AddGoComments(base, dir, reflected.WithFullComment()); err != nil {
			t.Fatal(err)
		}
	}
	schema := reflector.Reflect(of)
	schema.ID, schema.Title = reflected.ID("https://github.com/penstock-dev/penstock/schemas/"+name), title
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// The schemas are those of the types, and hold what a release writes.
func TestSchemas(t *testing.T) {
	p := newPlace(t)
	p.released()
	p.put("modules/vpc/provider.tf", "terraform {\n  required_version = \">= 1.5\"\n  required_providers {\n    aws = {\n      source  = \"hashicorp/aws\"\n      version = \"~> 6.0\"\n    }\n  }\n}\nvariable \"l\" {\n  default = [1, null]\n}\noutput \"o\" {\n  value = 1\n}\n")
	fragment := "modules: [modules/vpc]\nseverity: timely\nreason: r\nadvisory: a\ndeadline: 2026-12-31\nnote: n\n"
	p.put(".penstock/changes/a.yaml", fragment)
	p.change("b")
	o := p.released()
	var asked any
	if err := yaml.Unmarshal([]byte(fragment), &asked); err != nil {
		t.Fatal(err)
	}
	change, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	show := func(path string) []byte { return []byte(p.git(p.bare, "show", "penstock/releases:"+path)) }
	for name, test := range map[string]struct {
		title string
		of    any
		good  []byte
		gone  string
	}{
		"release-record.schema.json":  {RecordSchema, &Record{}, show(recordPath("modules/vpc", o.Modules[0].Version)), "tree"},
		"release-seal.schema.json":    {SealSchema, &Seal{}, show(sealPath("modules/vpc", o.Modules[0].Version)), "object"},
		"release-adopted.schema.json": {AdoptedSchema, &Adopted{}, show(adoptedPath), "tags"},
		"release.schema.json":         {Schema, &Outcome{}, JSON(o), "modules"},
		"release-change.schema.json":  {"penstock.release-change/v1", &Fragment{}, change, "modules"},
	} {
		got, path := generate(t, name, test.title, test.of), "../../schemas/"+name
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is stale: go test ./pipelines/release -update, then read the diff", path)
		}
		compiled := schematest.Compile(t, name, want)
		if err := schematest.Validate(t, compiled, test.good); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var edited map[string]any
		if err := json.Unmarshal(test.good, &edited); err != nil {
			t.Fatal(err)
		}
		for _, edit := range []func(){func() { edited["extra"] = 1 }, func() { delete(edited, "extra"); delete(edited, test.gone) }} {
			edit()
			bad, err := json.Marshal(edited)
			if err != nil {
				t.Fatal(err)
			}
			if schematest.Validate(t, compiled, bad) == nil {
				t.Errorf("%s takes one that is edited", name)
			}
		}
	}
}
