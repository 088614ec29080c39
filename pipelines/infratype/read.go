package infratype

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// limit is the largest contract that is read, in bytes.
const limit = 256 << 10

// source is a contract with the places of what it says.
type source struct {
	name string
	body ast.Node
}

func refuse(at pipelines.Position, hint, format string, args ...any) error {
	return &pipelines.Error{Position: at, Hint: hint, Err: fmt.Errorf(format, args...)}
}

// read reads a contract, strictly: what Terraform's yamldecode would take for
// something else than Go does is refused.
func read(fsys fs.FS, name string) (*Contract, *source, error) {
	at := pipelines.Position{Path: name}
	file, err := fsys.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("reading a contract: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, nil, refuse(at, "put a file in its place", "it is not a regular file")
	}
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("reading a contract: %w", err)
	case len(content) > limit:
		return nil, nil, refuse(at, "", "it is over %d bytes", limit)
	case !utf8.Valid(content) || bytes.HasPrefix(content, []byte("\ufeff")):
		return nil, nil, refuse(at, "save it as UTF-8 without a byte order mark", "it is not plain UTF-8")
	}
	tokens := lexer.Tokenize(string(content))
	if t := odd(tokens); t != nil {
		return nil, nil, refuse(position(name, t), "write the value out where it is used", "anchors, aliases, merges, tags and deep nesting are not allowed")
	}
	parsed, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, nil, syntax(at, err)
	}
	if len(parsed.Docs) != 1 || parsed.Docs[0].Body == nil {
		return nil, nil, refuse(at, "write schema: "+Schema, "it holds %d documents, allowed is one that says something", len(parsed.Docs))
	}
	s := &source{name, parsed.Docs[0].Body}
	c := &Contract{Position: at}
	if err := yaml.NodeToValue(s.body, c, yaml.Strict()); err != nil {
		return nil, nil, syntax(at, err)
	}
	c.Position.Line, c.Position.Column = 1, 1
	return c, s, nil
}

// odd finds what makes a small file mean something large or something else.
func odd(tokens token.Tokens) *token.Token {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType, token.DirectiveType:
			return t
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if depth > 20 || t.Position.Column > 2000 {
			return t
		}
	}
	return nil
}

func position(name string, t *token.Token) pipelines.Position {
	return pipelines.Position{Path: name, Line: t.Position.Line, Column: t.Position.Column}
}

func syntax(at pipelines.Position, err error) error {
	message := err.Error()
	var known yaml.Error
	if errors.As(err, &known) {
		message = known.GetMessage()
		if t := known.GetToken(); t != nil {
			at.Line, at.Column = t.Position.Line, t.Position.Column
		}
	}
	return refuse(at, "", "%s", printable.Text(message, 300))
}

// at is the place of what path leads to, or of the last part of it that exists:
// keys and indexes lead from the top.
func (s *source) at(path ...any) pipelines.Position {
	node, found := s.body, pipelines.Position{Path: s.name, Line: 1, Column: 1}
	for _, step := range path {
		next := ast.Node(nil)
		switch step := step.(type) {
		case string:
			for _, pair := range pairs(node) {
				if pair.Key.GetToken().Value == step {
					next, found = pair.Value, position(s.name, pair.Key.GetToken())
				}
			}
		case int:
			if list, ok := node.(*ast.SequenceNode); ok && step < len(list.Values) {
				next = list.Values[step]
				t := next.GetToken()
				if inner := pairs(next); len(inner) > 0 { // the token of a mapping is a colon in it
					t = inner[0].Key.GetToken()
				}
				found = position(s.name, t)
			}
		}
		if next == nil {
			return found
		}
		node = next
	}
	return found
}

func pairs(node ast.Node) []*ast.MappingValueNode {
	switch node := node.(type) {
	case *ast.MappingNode:
		return node.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{node}
	}
	return nil
}
