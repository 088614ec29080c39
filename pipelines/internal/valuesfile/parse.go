package valuesfile

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	helm "sigs.k8s.io/yaml"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Refuse is an error at a node of a file.
func Refuse(name string, node ast.Node, hint, format string, args ...any) error {
	return refused(name, node.GetToken(), hint, format, args...)
}

func refused(name string, t *token.Token, hint, format string, args ...any) error {
	at := pipelines.Position{Path: name}
	if t != nil {
		at.Line, at.Column = t.Position.Line, t.Position.Column
	}
	return &pipelines.Error{Position: at, Hint: hint, Err: fmt.Errorf(format, args...)}
}

// Parse reads values strictly: helm reads them by YAML 1.1, editors and people by 1.2,
// and what means one thing to one and another to the other is refused, as is what makes
// a small file mean something large.
func Parse(name string, text []byte) (Document, error) { return parse(name, text, false) }

// ParseTheirs reads a third party's own values.yaml, which was not written here: it may
// have anchors and tags, and what some take for something else.
func ParseTheirs(name string, text []byte) (Document, error) { return parse(name, text, true) }

func parse(name string, text []byte, lenient bool) (Document, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if err := plain(name, text); err != nil {
		return Document{}, err
	}
	tokens := lexer.Tokenize(string(text))
	if t := nesting.YAML(tokens); t != nil {
		return Document{}, refused(name, t, "", "it is nested more than %d deep", nesting.MaxYAML)
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return Document{}, Syntax(name, err)
	}
	if t := beyond(tokens); t != nil {
		return Document{}, refused(name, t, "put all values into one document", "it holds more than one document: helm would read the first alone")
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType {
			body = doc.Body
		}
	}
	if body == nil {
		return Document{Name: name}, nil
	}
	v := &oddities{name: name, lenient: lenient}
	ast.Walk(v, body)
	if v.err != nil {
		return Document{}, v.err
	}
	if body.Type() == ast.NullType {
		return Document{Name: name}, nil
	}
	if _, ok := body.(ast.MapNode); !ok {
		return Document{}, Refuse(name, body, "write keys and values", "it is no mapping of values")
	}
	var whole map[string]any // finds what parsing alone does not, and where
	if err := yaml.NodeToValue(body, &whole); err != nil {
		return Document{}, Syntax(name, err)
	}
	d := Document{Name: name, Body: body}
	read := helm.UnmarshalStrict
	if lenient {
		read = helm.Unmarshal
	}
	if err := read(text, &d.Values); err != nil {
		return Document{}, Syntax(name, err)
	}
	return d, nil
}

// beyond is the first token after the first document, or nil. It goes by the tokens: of a
// file with two headers in a row the parser forgets what follows.
func beyond(tokens token.Tokens) *token.Token {
	begun, over := false, false
	for _, t := range tokens {
		switch t.Type {
		case token.CommentType, token.DirectiveType:
		case token.DocumentHeaderType:
			begun, over = true, begun
		case token.DocumentEndType:
			over = begun
		default:
			if over {
				return t
			}
			begun = true
		}
	}
	return nil
}

// plain refuses bytes that are no text.
func plain(name string, text []byte) error {
	at := func(i int) pipelines.Position {
		return pipelines.Position{Path: name, Line: bytes.Count(text[:i], []byte("\n")) + 1, Column: 1}
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return &pipelines.Error{Position: at(i), Err: errors.New("it is not UTF-8"), Hint: "save it as UTF-8"}
		case r < ' ' && r != '\n' && r != '\t' && r != '\r':
			return &pipelines.Error{Position: at(i), Err: errors.New("it holds a control character"), Hint: "take it out, or write it as an escape in double quotes"}
		}
		i += size
	}
	return nil
}

// Syntax is an error of the YAML library, with its place.
func Syntax(name string, err error) error {
	at := pipelines.Position{Path: name}
	message := err.Error()
	var known yaml.Error
	if errors.As(err, &known) {
		message = known.GetMessage()
		if t := known.GetToken(); t != nil {
			at.Line, at.Column = t.Position.Line, t.Position.Column
		}
	}
	return &pipelines.Error{Position: at, Err: errors.New(printable.Text(message, 300))}
}
