package report

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	reflected "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/penstock-dev/penstock/pipelines"
)

// generate makes the schema of a type of the leaf from it and its comments.
func generate(t *testing.T, file, version string, of any) []byte {
	t.Helper()
	reflector := &reflected.Reflector{ExpandedStruct: true, Mapper: words}
	if err := reflector.AddGoComments("github.com/penstock-dev/penstock/pipelines/report", "..", reflected.WithFullComment()); err != nil {
		t.Fatal(err)
	}
	schema := reflector.Reflect(of)
	schema.ID = reflected.ID("https://github.com/penstock-dev/penstock/schemas/" + file)
	schema.Title = version
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// words gives the types that are one of a few words the list of them.
func words(t reflect.Type) *reflected.Schema {
	enum := func(list ...any) *reflected.Schema { return &reflected.Schema{Type: "string", Enum: list} }
	switch t {
	case reflect.TypeFor[pipelines.Verdict]():
		return enum(pipelines.Pass, pipelines.Waived, pipelines.Unknown, pipelines.Fail, pipelines.NotRun)
	case reflect.TypeFor[pipelines.Severity]():
		return enum(pipelines.Low, pipelines.Medium, pipelines.High, pipelines.Critical)
	case reflect.TypeFor[pipelines.Kind]():
		return enum(pipelines.Module, pipelines.Example, pipelines.Test, pipelines.Live)
	}
	return nil
}

// committed holds a schema to its types, and returns it compiled.
func committed(t *testing.T, file string, schema []byte) *jsonschema.Schema {
	t.Helper()
	golden(t, "../../schemas/"+file, schema)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
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

func holds(t *testing.T, schema *jsonschema.Schema, text []byte) error {
	t.Helper()
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(instance)
}

func TestReportSchema(t *testing.T) {
	const file = "report.schema.json"
	schema := committed(t, file, generate(t, file, pipelines.ReportSchema, &pipelines.Report{}))
	empty := &pipelines.Report{}
	empty.Close()
	for name, r := range map[string]*pipelines.Report{"every verdict": sample(), "nothing": empty} {
		if err := holds(t, schema, render(t, "json", r)); err != nil {
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
		if holds(t, schema, text) == nil {
			t.Errorf("%s: the schema takes it", name)
		}
		if _, err := Read(bytes.NewReader(text)); err == nil && name != "null" {
			t.Errorf("%s: it is read", name)
		}
	}
}

func TestSelectionSchema(t *testing.T) {
	const file = "selection.schema.json"
	schema := committed(t, file, generate(t, file, pipelines.SelectionSchema, &pipelines.Selection{}))
	text, err := json.Marshal(sample().Selection)
	if err != nil {
		t.Fatal(err)
	}
	if err := holds(t, schema, text); err != nil {
		t.Error(err)
	}
	if holds(t, schema, []byte(`{"schema": "penstock.selection/v1", "units": []}`)) == nil {
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
