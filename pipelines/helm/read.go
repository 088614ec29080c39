package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// maxValues is the largest values file, in bytes; the release, with the chart in it,
// has to fit into a Secret of 1 MiB.
const maxValues = 1 << 20

// maxNesting is far beyond what values need, and far below where the YAML library's
// time grows with the square of the depth.
const maxNesting = 100

// document is a values file that was read: the node of its one mapping, nil where it is empty.
type document struct {
	Name string
	Body ast.Node
}

// readValues reads a values file strictly: helm reads it by YAML 1.1, editors and
// people by 1.2, and what means one thing to one and another to the other is refused,
// as is what makes a small file mean something large. lenient takes anchors: a third
// party's own values.yaml was not written here.
func readValues(path, name string, lenient bool) (document, error) {
	text, err := readRegular(path, maxValues)
	if err != nil {
		return document{}, err
	}
	return parseValues(name, text, lenient)
}

// readRegular reads a file of at most limit bytes that is one: a named pipe would be waited for.
func readRegular(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%q is over %d bytes", path, limit)
	}
	return text, err
}

func refuse(name string, node ast.Node, hint, format string, args ...any) error {
	at := pipelines.Position{Path: name}
	if node != nil && node.GetToken() != nil {
		at.Line, at.Column = node.GetToken().Position.Line, node.GetToken().Position.Column
	}
	return &pipelines.Error{Position: at, Hint: hint, Err: fmt.Errorf(format, args...)}
}

func parseValues(name string, text []byte, lenient bool) (document, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		line := 1
		for rest := text; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			rest = rest[size:]
		}
		return document{}, &pipelines.Error{Position: pipelines.Position{Path: name, Line: line, Column: 1}, Err: errors.New("it is not UTF-8"), Hint: "save it as UTF-8"}
	}
	if i := bytes.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' }); i >= 0 {
		at := pipelines.Position{Path: name, Line: bytes.Count(text[:i], []byte("\n")) + 1, Column: 1}
		return document{}, &pipelines.Error{Position: at, Err: errors.New("it holds a control character"), Hint: "take it out, or write it as an escape in double quotes"}
	}
	tokens := lexer.Tokenize(string(text))
	if err := shallow(name, tokens); err != nil {
		return document{}, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return document{}, syntax(name, err)
	}
	bodies := 0
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType {
			body = doc.Body
			bodies++
		}
	}
	switch {
	case bodies == 0:
		return document{Name: name}, nil
	case bodies > 1:
		return document{}, refuse(name, body, "put all values into one document", "it holds %d documents: helm would read the first alone", bodies)
	}
	v := &oddities{name: name, lenient: lenient}
	ast.Walk(v, body)
	if v.err != nil {
		return document{}, v.err
	}
	if body.Type() == ast.NullType {
		return document{Name: name}, nil
	}
	if !isMapping(body) {
		return document{}, refuse(name, body, "write keys and values", "it is no mapping of values")
	}
	var whole map[string]any // finds what parsing alone does not
	if err := yaml.NodeToValue(body, &whole); err != nil {
		return document{}, syntax(name, err)
	}
	return document{Name: name, Body: body}, nil
}

func shallow(name string, tokens token.Tokens) error {
	depth, dashes, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			dashes, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		}
		if max(depth, dashes) > maxNesting {
			return &pipelines.Error{Position: pipelines.Position{Path: name, Line: line, Column: t.Position.Column}, Err: fmt.Errorf("it is nested more than %d deep", maxNesting)}
		}
	}
	return nil
}

func syntax(name string, err error) error {
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

// oddities finds the first value that is not allowed.
type oddities struct {
	name    string
	lenient bool
	err     error
}

func (v *oddities) Visit(node ast.Node) ast.Visitor {
	if v.err != nil {
		return nil
	}
	switch node.Type() {
	case ast.LiteralType: // a block is text, whatever stands in it
		return nil
	case ast.AliasType, ast.AnchorType, ast.MergeKeyType:
		if !v.lenient {
			v.err = refuse(v.name, node, "write the value out where it is used", "anchors and aliases are not allowed")
		}
	case ast.TagType:
		if !v.lenient {
			v.err = refuse(v.name, node, "take it out, and quote what shall be text", "tags are not allowed")
		}
	case ast.DirectiveType:
		v.err = refuse(v.name, node, "take it out", "directives are not allowed")
	case ast.InfinityType, ast.NanType:
		v.err = refuse(v.name, node, "write a number, or quote it", "a number without a value cannot be handed to a chart")
	case ast.StringType, ast.IntegerType, ast.FloatType:
		if why := ambiguous(node); why != "" && !v.lenient {
			v.err = refuse(v.name, node, `quote it where it is text: "`+written(node)+`"`, "the value %s is %s", written(node), why)
		}
	}
	if v.err != nil {
		return nil
	}
	return v
}

func written(node ast.Node) string {
	return printable.Text(strings.TrimSpace(node.GetToken().Value), 60)
}

var (
	booleans    = regexp.MustCompile(`^(?i:y|n|yes|no|on|off)$`)
	octal       = regexp.MustCompile(`^[-+]?0o?[0-7_]+$`)
	sexagesimal = regexp.MustCompile(`^[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?$`)
	grouped     = regexp.MustCompile(`^[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?$`)
	date        = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?$`)
)

// ambiguous says what else a plain scalar may be taken for; "" where nothing.
func ambiguous(node ast.Node) string {
	t := node.GetToken()
	if t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType || node.Type() == ast.LiteralType {
		return ""
	}
	text := strings.TrimSpace(t.Value)
	switch {
	case booleans.MatchString(text):
		return "a boolean to helm and text to others"
	case len(text) > 1 && text != "0" && octal.MatchString(text):
		return "an octal number to helm"
	case sexagesimal.MatchString(text) && strings.Contains(text, ":"):
		return "a number of base 60 to some"
	case grouped.MatchString(text):
		return "a number with separators to helm and text to others"
	case date.MatchString(text):
		return "a date to helm and text to others"
	}
	if node.Type() == ast.IntegerType {
		if n, err := strconv.ParseInt(text, 0, 64); err == nil && (n > 1<<53 || n < -(1<<53)) || errors.Is(err, strconv.ErrRange) {
			return "a number that loses digits on its way through helm"
		}
	}
	return ""
}

func isMapping(node ast.Node) bool {
	_, ok := node.(ast.MapNode)
	return ok
}

// exists says whether a path is there; what cannot be known is an error.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
