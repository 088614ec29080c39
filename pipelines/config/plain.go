package config

import (
	"github.com/goccy/go-yaml/ast"

	"github.com/penstock-dev/penstock/pipelines"
)

// plain returns the one document of a file. It refuses what makes a small file
// mean something large or something else: aliases, merges, tags, several documents.
func plain(name string, file *ast.File) (ast.Node, error) {
	at := pipelines.Position{Path: name}
	if len(file.Docs) == 0 || len(file.Docs) == 1 && file.Docs[0].Body == nil {
		return nil, refuse(at, `write "version: 1"`, "it is empty")
	}
	if len(file.Docs) > 1 {
		if start := file.Docs[1].Start; start != nil {
			at.Line, at.Column = start.Position.Line, start.Position.Column
		}
		return nil, refuse(at, "", "it holds %d documents, allowed is one", len(file.Docs))
	}
	v := &oddities{}
	body := file.Docs[0].Body
	ast.Walk(v, body)
	if v.found != nil {
		return nil, refuse(position(name, v.found), v.hint, "%s are not allowed", v.what)
	}
	return body, nil
}

// oddities finds the first of what is not allowed.
type oddities struct {
	found      ast.Node
	what, hint string
}

func (v *oddities) Visit(node ast.Node) ast.Visitor {
	if v.found != nil {
		return nil
	}
	switch node.Type() {
	case ast.AliasType, ast.AnchorType, ast.MergeKeyType:
		v.found, v.what, v.hint = node, "anchors and aliases", "write the value out where it is used"
	case ast.TagType:
		v.found, v.what, v.hint = node, "tags", "take it out: the key says of what type its value is"
	case ast.DirectiveType:
		v.found, v.what, v.hint = node, "directives", "take it out"
	case ast.InfinityType, ast.NanType:
		v.found, v.what, v.hint = node, "numbers without a value", "write a number, or quote it"
	default:
		return v
	}
	return nil
}
