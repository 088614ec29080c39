package report

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/schematest"
)

// committed holds a schema to its types, and returns it compiled.
func committed(t *testing.T, file string, schema []byte) *jsonschema.Schema {
	t.Helper()
	golden(t, "../../schemas/"+file, schema)
	return schematest.Compile(t, file, schema)
}

func TestReportSchema(t *testing.T) {
	const file = "report.schema.json"
	schema := committed(t, file, schematest.Generate(t, file, pipelines.ReportSchema, &pipelines.Report{}, ".."))
	empty := &pipelines.Report{}
	empty.Close()
	for name, r := range map[string]*pipelines.Report{"every verdict": sample(), "nothing": empty} {
		if err := schematest.Validate(t, schema, render(t, "json", r)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, edit := range map[string]func(map[string]any){
		"no verdict":     func(m map[string]any) { delete(m, "verdict") },
		"other verdict":  func(m map[string]any) { m["verdict"] = "fine" },
		"unknown member": func(m map[string]any) { m["extra"] = 1 },
		"null":           func(m map[string]any) { m["results"] = nil },
	} {
		var m map[string]any
		if err := json.Unmarshal(render(t, "json", sample()), &m); err != nil {
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
		if _, err := Read(bytes.NewReader(text)); err == nil && name != "null" {
			t.Errorf("%s: it is read", name)
		}
	}
}

func TestSelectionSchema(t *testing.T) {
	const file = "selection.schema.json"
	schema := committed(t, file, schematest.Generate(t, file, pipelines.SelectionSchema, &pipelines.Selection{}, ".."))
	text, err := json.Marshal(sample().Selection)
	if err != nil {
		t.Fatal(err)
	}
	if err := schematest.Validate(t, schema, text); err != nil {
		t.Error(err)
	}
	if schematest.Validate(t, schema, []byte(`{"schema": "penstock.selection/v1", "units": []}`)) == nil {
		t.Error("a selection without a total is let through")
	}
}

// What is written can be read, and is written again byte by byte.
func TestJSONIsStable(t *testing.T) {
	r := sample()
	r.Started, r.Seconds = time.Date(2026, 11, 21, 7, 0, 0, 123456789, time.UTC), 1.25
	first := render(t, "json", r)
	again, err := Read(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	if second := render(t, "json", again); !bytes.Equal(first, second) {
		t.Errorf("got\n%s\nwant\n%s", second, first)
	}
}
