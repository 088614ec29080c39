// Package schematest makes the published JSON Schemas from Go types, and holds what is
// written to them.
package schematest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	reflected "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/penstock-dev/penstock/pipelines"
)

// Generate makes the schema of a type from it and its comments, which are read from
// the package's directory and all below. file is the schema's name, version its title.
func Generate(t *testing.T, file, version string, of any, dir string) []byte {
	t.Helper()
	reflector := &reflected.Reflector{ExpandedStruct: true, Mapper: words}
	// The directory is relative to that of the test, and so to its package.
	if err := reflector.AddGoComments("github.com/penstock-dev/penstock/pipelines/x", dir, reflected.WithFullComment()); err != nil {
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

// Compile reads a schema. Formats are held to.
func Compile(t *testing.T, file string, schema []byte) *jsonschema.Schema {
	t.Helper()
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

// Validate says what a schema has against a text.
func Validate(t *testing.T, schema *jsonschema.Schema, text []byte) error {
	t.Helper()
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(instance)
}
