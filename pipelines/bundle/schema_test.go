package bundle

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	reflected "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "rewrite the schemas")

// What is written is as its schema says, and the schema is that of the types.
func TestSchemas(t *testing.T) {
	key, _ := newKey(t)
	p := packed(t, "1.2.0", key, sources)
	manifest, err := encode(p.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	for file, test := range map[string]struct {
		title string
		of    any
		good  []byte
		gone  string
	}{
		"bundle.schema.json":           {Schema, &Manifest{}, manifest, "files"},
		"bundle-statement.schema.json": {StatementSchema, &Record{}, p.Record, "signature"},
	} {
		reflector := &reflected.Reflector{ExpandedStruct: true}
		for base, dir := range map[string]string{"github.com/penstock-dev/penstock/pipelines/bundle": ".", "github.com/penstock-dev/penstock/pipelines/capsule": "../capsule"} {
			if err := reflector.AddGoComments(base, dir, reflected.WithFullComment()); err != nil {
				t.Fatal(err)
			}
		}
		schema := reflector.Reflect(test.of)
		schema.ID = reflected.ID("https://github.com/penstock-dev/penstock/schemas/" + file)
		schema.Title = test.title
		got, err := json.MarshalIndent(schema, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		path := "../../schemas/" + file
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
			t.Errorf("%s is stale: go test ./pipelines/bundle -update, then read the diff", path)
		}
		compiled := compile(t, file, want)
		if err := validate(t, compiled, test.good); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		var edited map[string]any
		if err := json.Unmarshal(test.good, &edited); err != nil {
			t.Fatal(err)
		}
		delete(edited, test.gone)
		bad, err := json.Marshal(edited)
		if err != nil {
			t.Fatal(err)
		}
		if validate(t, compiled, bad) == nil {
			t.Errorf("%s takes one without %q", file, test.gone)
		}
	}
}

func compile(t *testing.T, file string, text []byte) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(file, document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func validate(t *testing.T, schema *jsonschema.Schema, text []byte) error {
	t.Helper()
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(instance)
}
