package release

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

var variableSchema = &hcl.BodySchema{Attributes: attributes("type", "default", "description", "sensitive", "nullable", "ephemeral", "deprecated", "const"),
	Blocks: []hcl.BlockHeaderSchema{{Type: "validation"}}}

// variable reads a variable, or what an override says of one.
func (r *reading) variable(b *hcl.Block, over bool) error {
	name := b.Labels[0]
	v, there := r.is.Variables[name]
	switch {
	case over && !there:
		return unreadable(place(b.DefRange), "an override of variable %q, which is not there", name)
	case !over && there:
		return unreadable(place(b.DefRange), "variable %q is there twice", name)
	case !over:
		v = Variable{Required: true, Nullable: true, ty: cty.DynamicPseudoType, Type: "any", at: place(b.DefRange)}
	}
	content, diags := b.Body.Content(variableSchema)
	if diags.HasErrors() {
		return complaint(b.DefRange.Filename, diags)
	}
	given := content.Attributes
	var defaults *typeexpr.Defaults
	if a := given["type"]; a != nil {
		if v.ty, defaults, diags = typeOf(a.Expr); diags.HasErrors() {
			return complaint(b.DefRange.Filename, diags)
		}
		v.Type = typeText(v.ty, defaults)
	}
	for what, to := range map[string]*bool{"sensitive": &v.Sensitive, "nullable": &v.Nullable, "ephemeral": &v.Ephemeral} {
		if a := given[what]; a != nil {
			var err error
			if *to, err = truth(a); err != nil {
				return err
			}
		}
	}
	v.Deprecated = v.Deprecated || given["deprecated"] != nil
	if a := given["default"]; a != nil {
		if err := v.setDefault(a); err != nil {
			return err
		}
	}
	if v.Sensitive {
		v.Default = nil
	}
	if len(content.Blocks) > 0 {
		v.Validations = nil
	}
	for _, block := range content.Blocks {
		validation, err := r.validation(block)
		if err != nil {
			return err
		}
		v.Validations = append(v.Validations, validation)
	}
	r.is.Variables[name] = v
	return nil
}

// setDefault takes a default, as the type makes it.
func (v *Variable) setDefault(a *hcl.Attribute) error {
	value, diags := a.Expr.Value(nil)
	if diags.HasErrors() {
		return complaint(a.Range.Filename, diags)
	}
	if v.ty.HasDynamicTypes() && v.ty == cty.DynamicPseudoType {
	} else if to, err := convert.Convert(value, v.ty); err == nil {
		value = to
	} else {
		return unreadable(place(a.Range), "the default does not suit the type: %w", err)
	}
	if !tame(value) {
		return unreadable(place(a.Range), "the number is too large")
	}
	text, err := ctyjson.SimpleJSONValue{Value: value}.MarshalJSON()
	if err != nil {
		return unreadable(place(a.Range), "the default cannot be written: %w", err)
	}
	v.Required, v.Default, v.exact = false, text, string(text)
	return nil
}

// typeOf is a type constraint; list and map alone are of any elements, as Terraform
// still takes them.
func typeOf(e hcl.Expression) (cty.Type, *typeexpr.Defaults, hcl.Diagnostics) {
	switch hcl.ExprAsKeyword(e) {
	case "list":
		return cty.List(cty.DynamicPseudoType), nil, nil
	case "map":
		return cty.Map(cty.DynamicPseudoType), nil, nil
	}
	return typeexpr.TypeConstraintWithDefaults(e)
}

func (r *reading) validation(b *hcl.Block) (Validation, error) {
	content, diags := b.Body.Content(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "condition", Required: true}, {Name: "error_message", Required: true}}})
	if diags.HasErrors() {
		return Validation{}, complaint(b.DefRange.Filename, diags)
	}
	return Validation{Condition: r.words(content.Attributes["condition"].Expr), Message: r.words(content.Attributes["error_message"].Expr)}, nil
}

// words is an expression as its words: space, line breaks and comments do not count.
func (r *reading) words(e hcl.Expression) string {
	at := e.Range()
	src := at.SliceBytes(r.src[at.Filename])
	if strings.HasSuffix(at.Filename, ".json") {
		return string(bytes.TrimSpace(src))
	}
	tokens, diags := hclsyntax.LexExpression(src, at.Filename, hcl.InitialPos)
	if diags.HasErrors() {
		return string(src)
	}
	var words []string
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenNewline, hclsyntax.TokenComment, hclsyntax.TokenEOF:
		default:
			words = append(words, string(t.Bytes))
		}
	}
	return strings.Join(words, " ")
}

var outputSchema = &hcl.BodySchema{Attributes: attributes("value", "description", "sensitive", "depends_on", "ephemeral", "deprecated", "type"),
	Blocks: []hcl.BlockHeaderSchema{{Type: "precondition"}}}

func (r *reading) output(b *hcl.Block, over bool) error {
	name := b.Labels[0]
	o, there := r.is.Outputs[name]
	switch {
	case over && !there:
		return unreadable(place(b.DefRange), "an override of output %q, which is not there", name)
	case !over && there:
		return unreadable(place(b.DefRange), "output %q is there twice", name)
	case !over:
		o = Output{at: place(b.DefRange)}
	}
	content, diags := b.Body.Content(outputSchema)
	if diags.HasErrors() {
		return complaint(b.DefRange.Filename, diags)
	}
	for what, to := range map[string]*bool{"sensitive": &o.Sensitive, "ephemeral": &o.Ephemeral} {
		if a := content.Attributes[what]; a != nil {
			var err error
			if *to, err = truth(a); err != nil {
				return err
			}
		}
	}
	o.Deprecated = o.Deprecated || content.Attributes["deprecated"] != nil
	r.is.Outputs[name] = o
	return nil
}

// constant is the value of an attribute that may not refer to anything.
func constant(a *hcl.Attribute, as cty.Type) (cty.Value, error) {
	value, diags := a.Expr.Value(nil)
	if diags.HasErrors() {
		return cty.NilVal, complaint(a.Range.Filename, diags)
	}
	value, err := convert.Convert(value, as)
	if err != nil || value.IsNull() || !value.IsKnown() {
		return cty.NilVal, unreadable(place(a.Range), "%s is no %s", a.Name, as.FriendlyName())
	}
	return value, nil
}

func text(a *hcl.Attribute) (string, error) {
	value, err := constant(a, cty.String)
	if err != nil {
		return "", err
	}
	return value.AsString(), nil
}

func truth(a *hcl.Attribute) (bool, error) {
	value, err := constant(a, cty.Bool)
	return err == nil && value.True(), err
}
