package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	reflected "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "rewrite schemas/penstock.schema.json")

const schemaFile = "../../schemas/penstock.schema.json"

// generate makes the schema from the Go types and their comments.
func generate(t *testing.T) []byte {
	t.Helper()
	reflector := &reflected.Reflector{ExpandedStruct: true}
	if err := reflector.AddGoComments("github.com/penstock-dev/penstock/pipelines/config", ".", reflected.WithFullComment()); err != nil {
		t.Fatal(err)
	}
	schema := reflector.Reflect(&Config{})
	schema.ID = "https://github.com/penstock-dev/penstock/schemas/penstock.schema.json"
	schema.Title = File
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func TestSchemaIsThatOfTheTypes(t *testing.T) {
	got := generate(t)
	if *update {
		if err := os.WriteFile(schemaFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: go test ./pipelines/config -update, then read the diff", schemaFile)
	}
	for _, key := range []string{"units", "compliance"} {
		if !strings.Contains(string(got), `"`+key+`"`) {
			t.Errorf("the schema has no %s", key)
		}
	}
	if n := strings.Count(string(got), `"description"`); n < 20 {
		t.Errorf("only %d descriptions: the comments of the types were not found", n)
	}
}

// validator compiles the committed schema, and judges YAML by it.
func validator(t *testing.T) func(text string) error {
	t.Helper()
	content, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("penstock.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("penstock.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(text string) error {
		t.Helper()
		var value any
		if err := yaml.Unmarshal([]byte(strings.TrimPrefix(text, "\ufeff")), &value); err != nil {
			return err
		}
		asJSON, err := json.Marshal(value)
		if err != nil {
			return err
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			t.Fatal(err)
		}
		return compiled.Validate(instance)
	}
}

// Editors complain of what the reader refuses, and of nothing that it takes.
func TestReaderAndSchemaAgree(t *testing.T) {
	validate := validator(t)
	for _, text := range accepted {
		if _, err := Read(File, []byte(text)); err != nil {
			t.Errorf("the reader refuses %q: %v", text, err)
		}
		if err := validate(text); err != nil {
			t.Errorf("the schema refuses what the reader takes: %q: %v", text, err)
		}
	}
	for name, test := range refused {
		if err := validate(test.text); err == nil && !test.meaning {
			t.Errorf("%s: the schema takes what the reader refuses: %q", name, test.text)
		} else if err != nil && test.meaning {
			t.Errorf("%s: the schema sees it too: take meaning out of the table", name)
		}
	}
}

func TestExamplesHoldTheSchema(t *testing.T) {
	validate := validator(t)
	examples, err := filepath.Glob("../../examples/*/penstock.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no example has a configuration: %v", err)
	}
	texts := map[string]string{"docs": documented(t)}
	for _, path := range examples {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(content)
	}
	for name, text := range texts {
		if _, err := Read(name, []byte(text)); err != nil {
			t.Error(err)
		}
		if err := validate(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// documented is the complete example of docs/penstock-yaml.md.
func documented(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../../docs/penstock-yaml.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(content), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("docs/penstock-yaml.md has no example")
	}
	return example
}

// Each key that the types have is shown, so that the example stays complete.
func TestDocumentedExampleIsComplete(t *testing.T) {
	text := documented(t)
	var schema struct {
		Properties map[string]any `json:"properties"`
		Defs       map[string]struct {
			Properties map[string]any `json:"properties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(generate(t), &schema); err != nil {
		t.Fatal(err)
	}
	keys := schema.Properties
	for _, def := range schema.Defs {
		for key := range def.Properties {
			keys[key] = nil
		}
	}
	if len(keys) < 15 {
		t.Fatalf("only %d keys", len(keys))
	}
	for key := range keys {
		if !strings.Contains(text, key+":") {
			t.Errorf("docs/penstock-yaml.md does not show %s", key)
		}
	}
}
