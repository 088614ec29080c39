package config

import (
	"bytes"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/penstock-dev/penstock/pipelines"
)

func mapping(node ast.Node) bool {
	return node.Type() == ast.MappingType || node.Type() == ast.MappingValueType
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

// position is where a node begins; the token of a mapping is a colon in it.
func position(name string, node ast.Node) pipelines.Position {
	if first := pairs(node); len(first) > 0 {
		node = first[0].Key
	}
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
			}
		}
	}
	return found
}

// Where reads a configuration that Read has taken, and says where something stands in
// it: keys and indexes lead from the top to it. What is not there is where the last
// part of the way to it is.
func Where(name string, content []byte) (func(path ...any) pipelines.Position, error) {
	file, err := parser.ParseBytes(bytes.TrimPrefix(content, []byte("\ufeff")), 0)
	if err != nil {
		return nil, syntax(pipelines.Position{Path: name}, err)
	}
	body, err := plain(name, file)
	if err != nil {
		return nil, err
	}
	return places{name, body}.at, nil
}
