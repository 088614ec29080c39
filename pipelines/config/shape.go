package config

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/goccy/go-yaml/ast"
)

// shape refuses what does not have the shape of the Go type: a key that it does
// not have, or a value of another kind. The YAML library would turn 1.5 into the
// port 1, "1" into a number and nothing into a default.
func shape(name, key string, node ast.Node, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	wrong := func(allowed, hint string) error {
		return refuse(position(name, node), hint, "%s is %s, allowed is %s", key, kindOf(node), allowed)
	}
	switch t.Kind() {
	case reflect.Slice:
		list, ok := node.(*ast.SequenceNode)
		if !ok {
			return wrong("a list", "write it like ["+example(t.Elem())+"], or take "+key+" out")
		}
		for _, item := range list.Values {
			if err := shape(name, "an item of "+key, item, t.Elem()); err != nil {
				return err
			}
		}
	case reflect.Map:
		if !mapping(node) {
			return wrong("a mapping", "take "+key+" out, or put keys below it")
		}
		for _, pair := range pairs(node) {
			if err := shape(name, strconv.Quote(keyOf(pair)), pair.Value, t.Elem()); err != nil {
				return err
			}
		}
	case reflect.Struct:
		if !mapping(node) {
			return wrong("a mapping", "allowed in it: "+strings.Join(fieldsOf(t).names, ", "))
		}
		return members(name, node, fieldsOf(t))
	case reflect.String:
		if kind := node.Type(); kind != ast.StringType && kind != ast.LiteralType {
			return wrong("text", "write it in quotes")
		}
	case reflect.Int:
		if node.Type() != ast.IntegerType {
			return wrong("a whole number", "write it without quotes")
		}
	case reflect.Bool:
		if node.Type() != ast.BoolType {
			return wrong("true or false", "write it without quotes")
		}
	}
	return nil
}

// members checks the keys of a mapping and what stands at them.
func members(name string, node ast.Node, known fields) error {
	for _, pair := range pairs(node) {
		key := keyOf(pair)
		field, ok := known.types[key]
		if !ok {
			return refuse(position(name, pair.Key), known.hint(key), "there is no key %q", key)
		}
		if err := shape(name, key, pair.Value, field); err != nil {
			return err
		}
	}
	return nil
}

// fields are the keys that a Go type has, in its order.
type fields struct {
	names []string
	types map[string]reflect.Type
}

func fieldsOf(t reflect.Type) fields {
	f := fields{types: map[string]reflect.Type{}}
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if key != "-" {
			f.names = append(f.names, key)
			f.types[key] = t.Field(i).Type
		}
	}
	return f
}

// hint names the key that was probably meant, and all that there are.
func (f fields) hint(key string) string {
	allowed := "allowed here: " + strings.Join(f.names, ", ")
	for _, name := range f.names {
		if levenshtein.Distance(strings.ToLower(key), name, nil) <= max(1, len(name)/4) {
			return "write " + strconv.Quote(name) + "; " + allowed
		}
	}
	return allowed
}

func example(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "443"
	case reflect.Struct:
		return "{" + fieldsOf(t).names[0] + ": ...}"
	}
	return `"..."`
}

// kindOf says what a value is, as people call it.
func kindOf(node ast.Node) string {
	switch node.Type() {
	case ast.NullType:
		return "empty"
	case ast.IntegerType, ast.FloatType:
		return "a number"
	case ast.BoolType:
		return "true or false"
	case ast.StringType, ast.LiteralType:
		return "text"
	case ast.SequenceType:
		return "a list"
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	}
	return "something else"
}
