package values

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/valuesfile"
)

// Files of values. What stands before the first - is the environment's name.
const (
	Generated = "generated_helm_values.yaml"
	own       = "helm_values.yaml"
)

// defaultChart is that of a service which names none.
const defaultChart = "http-service"

// chart is one of the bundle, or of a third party, of which nothing is known here.
type chart struct {
	name       string
	thirdParty bool
	schema     *jsonschema.Schema
}

// openChart finds the chart of a service in a bundle. One without a schema is refused:
// nothing would say what a misspelt key does.
func openChart(bundle fs.FS, c config.Chart) (chart, error) {
	if c.Repository != "" {
		return chart{name: c.Name, thirdParty: true}, nil
	}
	found := chart{name: c.Name}
	if found.name == "" {
		found.name = defaultChart
	}
	dir := path.Join("charts", found.name)
	if _, err := fs.Stat(bundle, path.Join(dir, "Chart.yaml")); err != nil {
		there, _ := fs.Glob(bundle, "charts/*/values.schema.json")
		for i := range there {
			there[i] = path.Base(path.Dir(there[i]))
		}
		return found, &pipelines.Error{Err: fmt.Errorf("the bundle has no chart %q", found.name), Hint: "it has " + strings.Join(append(there, "no others"), ", ")}
	}
	file := path.Join(dir, "values.schema.json")
	content, err := valuesfile.Regular(bundle, file, valuesfile.Limit)
	if errors.Is(err, fs.ErrNotExist) {
		return found, &pipelines.Error{Err: fmt.Errorf("the chart %q of the bundle has no values.schema.json", found.name), Hint: "add one to the chart: without it a misspelt key counts for nothing"}
	}
	if err == nil {
		found.schema, err = compile(content)
	}
	if err != nil {
		return found, fmt.Errorf("reading the schema of the chart %q: %w", found.name, err)
	}
	return found, nil
}

func compile(content []byte) (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	const at = "https://penstock.invalid/values.schema.json"
	c := jsonschema.NewCompiler()
	c.UseLoader(jsonschema.SchemeURLLoader{}) // it refers to nothing outside of itself
	if err := c.AddResource(at, document); err != nil {
		return nil, err
	}
	return c.Compile(at)
}

// layers are the files of values beneath the generated one that there are, lowest first.
func (c chart) layers(bundle, repository fs.FS, environment string) ([]layer, error) {
	type file struct {
		fsys       fs.FS
		path, name string
		needed     bool
	}
	files := []file{{repository, own, own, true}, {repository, environment + "-" + own, environment + "-" + own, false}}
	if !c.thirdParty {
		of := func(name string) file { return file{bundle, "charts/" + name, "bundle:charts/" + name, false} }
		files = append([]file{of(c.name + "/values.yaml"), of("platform.yaml"), of("platform-" + environment + ".yaml")}, files...)
	}
	var all []layer
	for _, f := range files {
		d, err := valuesfile.Read(f.fsys, f.path, f.name)
		if errors.Is(err, fs.ErrNotExist) {
			if f.needed {
				return nil, &pipelines.Error{Position: pipelines.Position{Path: f.name}, Err: errors.New("there is no such file"), Hint: "write it, though it be empty"}
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, layer(d))
	}
	return all, nil
}

// placeholder stands for the digest of an image that was not built yet.
const placeholder = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// judge says what of the merged layers the chart does not take, each with the file that
// set it. noImage: they name no image yet, which is not counted against them.
func (c chart) judge(layers []layer) (findings []pipelines.Finding, noImage bool, err error) {
	all := merged(layers)
	if image, ok := all["image"].(map[string]any); ok && blank(image["digest"]) && blank(image["tag"]) {
		image["digest"], noImage = placeholder, true
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil, noImage, fmt.Errorf("merging the values: %w", err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, noImage, fmt.Errorf("merging the values: %w", err)
	}
	var invalid *jsonschema.ValidationError
	switch err := c.schema.Validate(value); {
	case errors.As(err, &invalid):
		reasons(invalid, func(path []string, what string) {
			at := origin(layers, path)
			if own := origin(ofService(layers), path); own.Line > 0 && own != at { // a default is wrong by what the service says around it
				what += fmt.Sprintf(", as %s has it", source(at))
				at = own
			}
			findings = append(findings, pipelines.Finding{Position: at, Rule: "schema", Verdict: pipelines.Fail, Severity: pipelines.High,
				Message: printable.Text(what, 400), Hint: fmt.Sprintf("charts/%s/values.schema.json of the bundle says what is allowed", c.name)})
		})
	case err != nil:
		return nil, noImage, fmt.Errorf("judging the values: %w", err)
	}
	return findings, noImage, nil
}

// ofService are the layers that are not the platform's.
func ofService(layers []layer) []layer {
	return slices.DeleteFunc(slices.Clone(layers), func(l layer) bool { return strings.HasPrefix(l.Name, "bundle:") })
}

func blank(v any) bool { return v == nil || v == "" }

// reasons tells the innermost ones, in words and without any value: it may be secret.
func reasons(e *jsonschema.ValidationError, tell func(path []string, what string)) {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
	default:
		if len(e.Causes) > 0 {
			for _, cause := range e.Causes {
				reasons(cause, tell)
			}
			return
		}
	}
	at := e.InstanceLocation
	where := strings.Join(at, ".")
	if where == "" {
		where = "the top"
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			tell(append(at[:len(at):len(at)], name), fmt.Sprintf("%s has no key %q", where, name))
		}
	case *kind.Required:
		tell(at, fmt.Sprintf("%s lacks %s", where, strings.Join(k.Missing, ", ")))
	case *kind.Type:
		hint := ""
		if len(k.Want) == 1 && k.Want[0] == "string" {
			hint = ": write it in quotes"
		}
		tell(at, fmt.Sprintf("%s is of the type %s, allowed is %s%s", where, k.Got, strings.Join(k.Want, " or "), hint))
	case *kind.PropertyNames:
		tell(append(at[:len(at):len(at)], k.Property), fmt.Sprintf("%s has the key %q, which has not the form of its keys", where, k.Property))
	default:
		tell(at, fmt.Sprintf("%s is not of the form that is allowed (%s)", where, strings.Join(e.ErrorKind.KeywordPath(), "/")))
	}
}
