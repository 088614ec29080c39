// Command generate writes the JSON Schemas of the Kubernetes API beside it, each
// from the OpenAPI document in the Go module k8s.io/kubernetes at one version:
//
//	go run ./pipelines/manifest/schemas/generate
//
// The module comes through the module proxy. Comments are left out, and what the
// API server decodes but OpenAPI cannot say (int-or-string, quantities) is said.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// versions are the last patches of the last three minor versions.
var versions = []string{"v1.34.4", "v1.35.4", "v1.36.3"}

const folder = "pipelines/manifest/schemas"

// open are types that hold any value: what OpenAPI says of them is too narrow.
var open = map[string]string{
	"io.k8s.apimachinery.pkg.api.resource.Quantity":                                  `{"type":["string","number"],"pattern":"^[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$"}`,
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString":                                `{"anyOf":[{"type":"string"},{"type":"integer","minimum":-2147483648,"maximum":2147483647}]}`,
	"io.k8s.apimachinery.pkg.runtime.RawExtension":                                   `{"type":"object"}`,
	"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1":                                  `{"type":"object"}`,
	"io.k8s.apimachinery.pkg.apis.meta.v1.Patch":                                     `{}`,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON":                  `{}`,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": `{"anyOf":[{"type":"boolean"},{"$ref":"#/definitions/io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"}]}`,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": `{"anyOf":[{"$ref":"#/definitions/io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"},` +
		`{"type":"array","items":{"$ref":"#/definitions/io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"}}]}`,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": `{"anyOf":[{"$ref":"#/definitions/io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"},` +
		`{"type":"array","items":{"type":"string"}}]}`,
}

func main() {
	log.SetFlags(0)
	for _, version := range versions {
		if err := write(version); err != nil {
			log.Fatalf("writing the schemas of Kubernetes %s: %v", version, err)
		}
	}
}

func write(version string) error {
	out, err := exec.Command("go", "mod", "download", "-json", "k8s.io/kubernetes@"+version).Output()
	if err != nil {
		return fmt.Errorf("downloading the module: %w", err)
	}
	var module struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &module); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(module.Dir, "api/openapi-spec/swagger.json"))
	if err != nil {
		return err
	}
	var spec struct{ Definitions map[string]map[string]any }
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	kinds, definitions := map[string]string{}, map[string]any{}
	for name, definition := range spec.Definitions {
		for _, kind := range kindsOf(definition) {
			if kinds[kind] == "" || name < kinds[kind] {
				kinds[kind] = name
			}
		}
		definitions[name] = reduce(definition)
		if text, ok := open[name]; ok {
			var replaced any
			if err := json.Unmarshal([]byte(text), &replaced); err != nil {
				return err
			}
			definitions[name] = replaced
		}
	}
	reduced, err := json.Marshal(map[string]any{"source": "k8s.io/kubernetes@" + version + " api/openapi-spec/swagger.json", "sum": module.Sum,
		"license": "Apache-2.0", "kinds": kinds, "definitions": definitions})
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // no time, no name: the same bytes anywhere
	if _, err := w.Write(reduced); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, version+".json.gz"), packed.Bytes(), 0o644)
}

// kindsOf are the "group/version/Kind" that a definition is, where it is one
// object: options of requests are of every group.
func kindsOf(definition map[string]any) []string {
	list, _ := definition["x-kubernetes-group-version-kind"].([]any)
	properties, _ := definition["properties"].(map[string]any)
	if properties["metadata"] == nil {
		return nil
	}
	var kinds []string
	for _, item := range list {
		gvk, _ := item.(map[string]any)
		kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%v/%v/%v", gvk["group"], gvk["version"], gvk["kind"]), "/"))
	}
	return kinds
}

// reduce takes out what does not judge, and closes objects of known fields.
func reduce(schema map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range schema {
		switch key {
		case "type", "$ref", "required":
			out[key] = value
		case "items", "additionalProperties":
			if inner, ok := value.(map[string]any); ok {
				value = reduce(inner)
			}
			out[key] = value
		case "properties":
			properties := map[string]any{}
			for name, inner := range value.(map[string]any) {
				properties[name] = reduce(inner.(map[string]any))
			}
			out[key] = properties
		case "format":
			switch value {
			case "int32":
				out["minimum"], out["maximum"] = -2147483648, 2147483647
			case "date-time", "byte":
				out[key] = value
			}
		}
	}
	if out["properties"] != nil && out["additionalProperties"] == nil {
		out["additionalProperties"] = false
	}
	if len(out) == 1 && out["type"] == "object" { // no field is known, so none is there
		out["additionalProperties"] = false
	}
	return out
}
