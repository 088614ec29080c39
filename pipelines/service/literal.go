package service

import (
	"fmt"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines"
)

// literal is a value as somebody wrote it, and where.
type literal struct {
	at   pipelines.Position
	kind kind
	// value is that of text, a number or a boolean.
	value cty.Value
	// members are those of a mapping by key, items those of a list.
	members map[string]*literal
	items   []*literal
}

type kind int

const (
	nothing kind = iota
	text
	number
	boolean
	mapping
	list
)

func (k kind) String() string {
	return [...]string{"null", "text", "a number", "true or false", "a mapping", "a list"}[k]
}

// maxExponent bounds numbers: one with more digits than any value has would be
// written out digit by digit.
const maxExponent = 1100

// plain reads an expression that is a value and nothing that has to be worked out.
// name is what an error calls it.
func plain(name string, e hclsyntax.Expression) (*literal, error) {
	l := &literal{at: place(e.Range())}
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return l, l.primitive(e.Val)
	case *hclsyntax.UnaryOpExpr:
		if digits, ok := e.Val.(*hclsyntax.LiteralValueExpr); ok && e.Op == hclsyntax.OpNegate && digits.Val.Type() == cty.Number {
			return l, l.primitive(digits.Val.Negate())
		}
	case *hclsyntax.TemplateExpr:
		for _, part := range e.Parts {
			if _, ok := part.(*hclsyntax.LiteralValueExpr); !ok {
				return nil, refuse(place(part.Range()), "write the value out; $${ stands for the characters themselves", "%s refers to something else", name)
			}
		}
		value, diags := e.Value(nil)
		if diags.HasErrors() {
			return nil, broken(diags)
		}
		return l, l.primitive(value)
	case *hclsyntax.TupleConsExpr:
		l.kind = list
		for i, item := range e.Exprs {
			read, err := plain(name+"["+strconv.Itoa(i)+"]", item)
			if err != nil {
				return nil, err
			}
			l.items = append(l.items, read)
		}
		return l, nil
	case *hclsyntax.ObjectConsExpr:
		return l, l.object(name, e)
	}
	return nil, refuse(l.at, "write the value out: text, a number, true, false, null, a list or a mapping", "%s is worked out, allowed are values", name)
}

func (l *literal) primitive(v cty.Value) error {
	l.value = v
	switch {
	case v.IsNull():
		l.kind = nothing
	case v.Type() == cty.String:
		l.kind = text
	case v.Type() == cty.Bool:
		l.kind = boolean
	case v.Type() == cty.Number:
		l.kind = number
		if exponent := v.AsBigFloat().MantExp(nil); v.AsBigFloat().IsInf() || exponent > maxExponent || exponent < -maxExponent {
			return refuse(l.at, "", "the number is beyond what can be used")
		}
	default:
		return refuse(l.at, "", "it is of an unknown kind")
	}
	return nil
}

func (l *literal) object(name string, e *hclsyntax.ObjectConsExpr) error {
	l.kind, l.members = mapping, map[string]*literal{}
	for _, item := range e.Items {
		key, err := keyOf(name, item.KeyExpr)
		if err != nil {
			return err
		}
		if before, there := l.members[key]; there {
			return refuse(place(item.KeyExpr.Range()), "take one out", "%s is there twice, first on line %d", below(name, key), before.at.Line)
		}
		if l.members[key], err = plain(below(name, key), item.ValueExpr); err != nil {
			return err
		}
		l.members[key].at = place(item.KeyExpr.Range()) // where people look for it
	}
	return nil
}

// keyOf is a key that is a name or text. One that looks like a number or a boolean
// would become text that nobody wrote.
func keyOf(name string, e hclsyntax.Expression) (string, error) {
	key, ok := e.(*hclsyntax.ObjectConsKeyExpr)
	if ok && !key.ForceNonLiteral {
		if word := hcl.ExprAsKeyword(key.Wrapped); word != "" && word != "true" && word != "false" && word != "null" {
			return word, nil
		}
		if quoted, ok := key.Wrapped.(*hclsyntax.TemplateExpr); ok && quoted.IsStringLiteral() {
			value, diags := quoted.Value(nil)
			if !diags.HasErrors() {
				return value.AsString(), nil
			}
		}
		if quoted, ok := key.Wrapped.(*hclsyntax.TemplateExpr); ok && len(quoted.Parts) == 0 {
			return "", refuse(place(e.Range()), "give it a name", "a key of %s is empty", name)
		}
	}
	return "", refuse(place(e.Range()), "write it in quotes", "a key of %s is neither a name nor text in quotes", name)
}

// below is the name of what stands at a key.
func below(name, key string) string {
	if hclsyntax.ValidIdentifier(key) {
		return name + "." + key
	}
	return name + "[" + strconv.Quote(key) + "]"
}

func place(r hcl.Range) pipelines.Position {
	return pipelines.Position{Path: r.Filename, Line: r.Start.Line, Column: r.Start.Column}
}

// cty is the literal as Terraform has it, before it is converted to a type.
func (l *literal) cty() cty.Value {
	switch l.kind {
	case nothing:
		return cty.NullVal(cty.DynamicPseudoType)
	case mapping:
		members := map[string]cty.Value{}
		for key, member := range l.members {
			members[key] = member.cty()
		}
		return cty.ObjectVal(members)
	case list:
		items := make([]cty.Value, len(l.items))
		for i, item := range l.items {
			items[i] = item.cty()
		}
		return cty.TupleVal(items)
	}
	return l.value
}

// overlaid is l with what over says: mappings key by key, everything else as a
// whole. A null takes away what it stands at.
func (l *literal) overlaid(over *literal) *literal {
	if l == nil || l.kind != mapping || over.kind != mapping {
		return over.withoutNulls()
	}
	merged := &literal{at: l.at, kind: mapping, members: map[string]*literal{}}
	for key, member := range l.members {
		merged.members[key] = member
	}
	for key, member := range over.members {
		if member.kind == nothing {
			delete(merged.members, key)
			continue
		}
		merged.members[key] = merged.members[key].overlaid(member)
	}
	return merged
}

func (l *literal) withoutNulls() *literal {
	if l.kind != mapping {
		return l
	}
	return (&literal{at: l.at, kind: mapping}).overlaid(l)
}

// Error is what is wrong with the configuration of a service, and where.
type Error struct{ Cause *pipelines.Error }

func (e *Error) Error() string { return e.Cause.Error() }

// Unwrap returns the error with its position and hint.
func (e *Error) Unwrap() error { return e.Cause }

func refuse(at pipelines.Position, hint, format string, args ...any) error {
	return &Error{&pipelines.Error{Position: at, Hint: hint, Err: fmt.Errorf(format, args...)}}
}
