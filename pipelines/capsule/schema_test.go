package capsule

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/schematest"
)

// committed holds a schema to its type, and returns it compiled.
func committed(t *testing.T, file string, schema []byte) *jsonschema.Schema {
	t.Helper()
	path := "../../schemas/" + file
	if *update {
		if err := os.WriteFile(path, schema, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(schema, want) {
		t.Errorf("%s is stale: go test ./pipelines/capsule -update, then read the diff\n%s", path, schema)
	}
	return schematest.Compile(t, file, schema)
}

func TestManifestSchema(t *testing.T) {
	const file = "capsule.schema.json"
	schema := committed(t, file, schematest.Generate(t, file, Schema, &Manifest{}, "../capsule"))
	bare := Manifest{Unit: "a", Environment: "b", Closure: digest("a"), State: State{Backend: "local"}, Changes: digest("b"),
		Terraform: pipelines.Tool{Name: "opentofu", Version: "1"}, Policies: Policies{Verdict: pipelines.NotRun}, Risk: Risk{Level: "low"},
		Creator: Creator{Actor: "me", Local: true}, Created: sample().Created, Expires: sample().Expires}
	for name, m := range map[string]Manifest{"every field": sample(), "no more than needed": bare} {
		text := apart(t, seal(t, m, contents).path).at(manifestName).content
		if err := schematest.Validate(t, schema, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := apart(t, seal(t, sample(), contents).path).at(manifestName).content
	for name, edit := range map[string]func(map[string]any){
		"no unit":           func(m map[string]any) { delete(m, "unit") },
		"an unknown member": func(m map[string]any) { m["extra"] = 1 },
		"null":              func(m map[string]any) { m["members"] = nil },
		"a wave in words":   func(m map[string]any) { m["wave"] = "one" },
		"no time":           func(m map[string]any) { m["expires"] = "soon" },
		"another verdict":   func(m map[string]any) { m["policies"].(map[string]any)["verdict"] = "fine" },
	} {
		var m map[string]any
		if err := json.Unmarshal(good, &m); err != nil {
			t.Fatal(err)
		}
		edit(m)
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if schematest.Validate(t, schema, text) == nil {
			t.Errorf("%s: the schema takes it", name)
		}
		if _, err := readManifest(text); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}
