package service

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
)

// variable is one that a root of the bundle declares.
type variable struct {
	name string
	at   pipelines.Position
	// kind may hold optional attributes, and defaults is what those are.
	kind     cty.Type
	defaults *typeexpr.Defaults
	// standard is the default, converted; nil where there is none.
	standard  *cty.Value
	sensitive bool
}

// declared reads the variables of a root: fsys is the bundle's terraform directory.
func declared(fsys fs.FS, stack string) (map[string]variable, error) {
	entries, err := fs.ReadDir(fsys, stack)
	if err != nil {
		return nil, fmt.Errorf("reading the bundle: %w", err)
	}
	found := map[string]variable{}
	for _, entry := range entries {
		name := path.Join(stack, entry.Name())
		if err := autoloaded(name); err != nil {
			return nil, err
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".tf") {
			continue
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("reading the bundle: %w", err)
		}
		if deep := nesting.TooDeep(src); deep != "" {
			return nil, refuse(inBundle(pipelines.Position{Path: name}), "", "%s", deep)
		}
		file, diags := hclsyntax.ParseConfig(src, inBundle(pipelines.Position{Path: name}).Path, hcl.InitialPos)
		if diags.HasErrors() {
			return nil, broken(diags)
		}
		content, _, _ := file.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "variable", LabelNames: []string{"name"}}}})
		for _, block := range content.Blocks {
			v, err := declaration(block)
			if err != nil {
				return nil, err
			}
			found[v.name] = v
		}
	}
	if len(found) == 0 {
		return nil, refuse(inBundle(pipelines.Position{Path: stack}), "", "the root declares no variables")
	}
	return found, nil
}

// autoloaded refuses what Terraform would read by itself, past what is explained.
func autoloaded(name string) error {
	base := path.Base(name)
	values := strings.HasSuffix(base, ".tfvars") || strings.HasSuffix(base, ".tfvars.json")
	if values || strings.HasSuffix(base, ".tf.json") || base == "override.tf" || strings.HasSuffix(base, "_override.tf") || strings.HasSuffix(base, ".tofu") {
		return refuse(inBundle(pipelines.Position{Path: name}), "a root of the bundle has .tf files alone", "it would count beside what the service says")
	}
	return nil
}

// inBundle is a place as it is shown: the bundle may be unpacked anywhere.
func inBundle(at pipelines.Position) pipelines.Position {
	at.Path = "bundle:terraform/" + at.Path
	return at
}

func declaration(block *hcl.Block) (variable, error) {
	v := variable{name: block.Labels[0], at: place(block.DefRange), kind: cty.DynamicPseudoType}
	attributes, _, _ := block.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "type"}, {Name: "default"}, {Name: "sensitive"}}})
	if a := attributes.Attributes["type"]; a != nil {
		var diags hcl.Diagnostics
		if v.kind, v.defaults, diags = typeexpr.TypeConstraintWithDefaults(a.Expr); diags.HasErrors() {
			return v, broken(diags)
		}
	}
	if a := attributes.Attributes["sensitive"]; a != nil {
		value, diags := a.Expr.Value(nil)
		v.sensitive = diags.HasErrors() || value.IsNull() || value.Type() != cty.Bool || value.True()
	}
	if a := attributes.Attributes["default"]; a != nil {
		value, diags := a.Expr.Value(nil)
		if diags.HasErrors() {
			return v, broken(diags)
		}
		converted, err := v.convert(value)
		if err != nil {
			return v, refuse(place(a.Range), "", "the default of %s does not have its type: %v", v.name, err)
		}
		v.standard = &converted
	}
	return v, nil
}

// convert is a value as Terraform makes it of what was said: with the defaults of
// optional attributes, and null for those that have none.
func (v variable) convert(value cty.Value) (cty.Value, error) {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	return convert.Convert(value, v.kind)
}
