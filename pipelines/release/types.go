package release

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// typeText writes a type constraint with its optional attributes and their defaults,
// always in the same way.
func typeText(ty cty.Type, defaults *typeexpr.Defaults) string {
	inner := func(key string) *typeexpr.Defaults {
		if defaults == nil {
			return nil
		}
		return defaults.Children[key]
	}
	switch {
	case ty.IsListType():
		return "list(" + typeText(ty.ElementType(), inner("")) + ")"
	case ty.IsSetType():
		return "set(" + typeText(ty.ElementType(), inner("")) + ")"
	case ty.IsMapType():
		return "map(" + typeText(ty.ElementType(), inner("")) + ")"
	case ty.IsTupleType():
		var parts []string
		for i, element := range ty.TupleElementTypes() {
			parts = append(parts, typeText(element, inner(strconv.Itoa(i))))
		}
		return "tuple([" + strings.Join(parts, ", ") + "])"
	case ty.IsObjectType():
		var parts []string
		for name, attribute := range ty.AttributeTypes() {
			text := typeText(attribute, inner(name))
			if ty.AttributeOptional(name) {
				if value, ok := defaultOf(defaults, name); ok {
					text += ", " + value
				}
				text = "optional(" + text + ")"
			}
			if !hclsyntax.ValidIdentifier(name) {
				name = strconv.Quote(name)
			}
			parts = append(parts, name+" = "+text)
		}
		slices.Sort(parts)
		return "object({" + strings.Join(parts, ", ") + "})"
	}
	return typeexpr.TypeString(ty)
}

func defaultOf(defaults *typeexpr.Defaults, name string) (string, bool) {
	if defaults == nil {
		return "", false
	}
	value, ok := defaults.DefaultValues[name]
	if !ok {
		return "", false
	}
	if !tame(value) {
		return "a number too large to write", true
	}
	text, err := ctyjson.SimpleJSONValue{Value: value}.MarshalJSON()
	return string(text), err == nil
}

// takes says whether every value that a caller could give for one type can be given for
// another, without loss. What is not known to is taken for no.
func takes(to, from cty.Type) bool {
	switch {
	case to == cty.DynamicPseudoType:
		return true
	case from == cty.DynamicPseudoType:
		return false
	case to.IsPrimitiveType():
		return to.Equals(from) || to == cty.String && (from == cty.Number || from == cty.Bool)
	case to.IsListType():
		if from.IsTupleType() {
			return all(from.TupleElementTypes(), to.ElementType())
		}
		return (from.IsListType() || from.IsSetType()) && takes(to.ElementType(), from.ElementType())
	case to.IsSetType(): // of a list, order and duplicates would be lost
		return from.IsSetType() && takes(to.ElementType(), from.ElementType())
	case to.IsMapType():
		return from.IsMapType() && takes(to.ElementType(), from.ElementType())
	case to.IsTupleType():
		return from.IsTupleType() && tuples(to.TupleElementTypes(), from.TupleElementTypes())
	case to.IsObjectType():
		return from.IsObjectType() && objects(to, from)
	}
	return false
}

func all(list []cty.Type, to cty.Type) bool {
	return !slices.ContainsFunc(list, func(from cty.Type) bool { return !takes(to, from) })
}

func tuples(to, from []cty.Type) bool {
	if len(to) != len(from) {
		return false
	}
	for i := range to {
		if !takes(to[i], from[i]) {
			return false
		}
	}
	return true
}

// objects: an attribute that is gone is dropped from what callers give without a word,
// so that it counts as one that is not taken.
func objects(to, from cty.Type) bool {
	for name, attribute := range from.AttributeTypes() {
		if !to.HasAttribute(name) || !takes(to.AttributeType(name), attribute) ||
			from.AttributeOptional(name) && !to.AttributeOptional(name) {
			return false
		}
	}
	for name := range to.AttributeTypes() {
		if !from.HasAttribute(name) && !to.AttributeOptional(name) {
			return false
		}
	}
	return true
}
