package config

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/penstock-dev/penstock/pipelines"
)

// keys refuses a key that the Go type does not have, and says which it has.
func keys(name string, node ast.Node, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Slice:
		if list, ok := node.(*ast.SequenceNode); ok {
			for _, item := range list.Values {
				if err := keys(name, item, t.Elem()); err != nil {
					return err
				}
			}
		}
	case reflect.Map:
		for _, pair := range pairs(node) {
			if err := keys(name, pair.Value, t.Elem()); err != nil {
				return err
			}
		}
	case reflect.Struct:
		fields := fieldsOf(t)
		for _, pair := range pairs(node) {
			field, ok := fields.types[keyOf(pair)]
			if !ok {
				return refuse(position(name, pair.Key), "allowed here: "+strings.Join(fields.names, ", "), "there is no key %q", keyOf(pair))
			}
			if err := keys(name, pair.Value, field); err != nil {
				return err
			}
		}
	}
	return nil
}

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

// pairs are those of a mapping, however the library represents it.
func pairs(node ast.Node) []*ast.MappingValueNode {
	switch node := node.(type) {
	case *ast.MappingNode:
		return node.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{node}
	}
	return nil
}

func keyOf(pair *ast.MappingValueNode) string { return pair.Key.GetToken().Value }

func position(name string, node ast.Node) pipelines.Position {
	token := node.GetToken().Position
	return pipelines.Position{Path: name, Line: token.Line, Column: token.Column}
}

// places finds where something stands: keys and indexes lead from the top to it.
type places struct {
	name string
	body ast.Node
}

// at returns the position of what path leads to, or of the last part that exists.
func (p places) at(path ...any) pipelines.Position {
	node, found := p.body, position(p.name, p.body)
	for _, step := range path {
		switch step := step.(type) {
		case string:
			for _, pair := range pairs(node) {
				if keyOf(pair) == step {
					node, found = pair.Value, position(p.name, pair.Key)
				}
			}
		case int:
			if list, ok := node.(*ast.SequenceNode); ok && step < len(list.Values) {
				node = list.Values[step]
				found = position(p.name, node)
				if first := pairs(node); len(first) > 0 {
					found = position(p.name, first[0].Key)
				}
			}
		}
	}
	return found
}

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strconv.Quote(s)
	}
	return strings.Join(out, ", ")
}
