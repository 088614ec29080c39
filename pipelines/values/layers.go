package values

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"sigs.k8s.io/yaml"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// maxFile is the largest file of values, in bytes; maxNesting is far beyond what values
// need, and far below where reading takes long.
const (
	maxFile    = 1 << 20
	maxNesting = 100
)

// layer is one file of values: what helm makes of it, and where it says so.
type layer struct {
	name   string
	values map[string]any
	body   ast.Node
}

func refuse(at pipelines.Position, hint, format string, args ...any) error {
	return &pipelines.Error{Position: at, Hint: hint, Err: fmt.Errorf(format, args...)}
}

// readLayer reads a file of values; name is what it is called. fs.ErrNotExist where there is none.
func readLayer(fsys fs.FS, file, name string) (layer, error) {
	content, err := readRegular(fsys, file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return layer{}, err
		}
		return layer{}, refuse(pipelines.Position{Path: name}, "", "%w", err)
	}
	return parseLayer(name, content)
}

func readRegular(fsys fs.FS, file string) ([]byte, error) {
	info, err := fs.Stat(fsys, file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a named pipe would be waited for
		return nil, errors.New("it is not a regular file")
	}
	opened, err := fsys.Open(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	content, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("it is over %d bytes", maxFile)
	}
	return content, err
}

// parseLayer reads values as helm does, and refuses what makes a small file mean
// something large, or something that nobody sees in it.
func parseLayer(name string, content []byte) (layer, error) {
	at := pipelines.Position{Path: name}
	l := layer{name: name}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if !utf8.Valid(content) {
		at.Line, at.Column = 1+bytes.Count(content[:validUntil(content)], []byte("\n")), 1
		return l, refuse(at, "save it as UTF-8", "it is not UTF-8")
	}
	tokens := lexer.Tokenize(string(content))
	if t, what := odd(tokens); t != nil {
		at.Line, at.Column = t.Position.Line, t.Position.Column
		return l, refuse(at, "write the value out where it is used", "%s", what)
	}
	file, err := parser.Parse(tokens, 0)
	if err == nil {
		for _, doc := range file.Docs {
			if doc.Body == nil || doc.Body.Type() == ast.CommentType || doc.Body.Type() == ast.NullType {
				continue
			}
			if l.body != nil {
				return l, refuse(at, "put all values into one document", "it holds more than one document: helm reads the first alone")
			}
			l.body = doc.Body
		}
	}
	if err == nil {
		err = yaml.UnmarshalStrict(content, &l.values) // as helm, and a key that stands there twice is an error
	}
	if err != nil {
		return l, refuse(at, "", "%s", printable.Text(err.Error(), 300))
	}
	return l, nil
}

func validUntil(content []byte) int {
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(content)
}

// odd is the first token that is not allowed in values.
func odd(tokens token.Tokens) (*token.Token, string) {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return t, "anchors, aliases and merges are not allowed"
		case token.TagType, token.DirectiveType:
			return t, "tags and directives are not allowed"
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if depth > maxNesting || t.Position.Column > 20*maxNesting && t.Type == token.SequenceEntryType {
			return t, fmt.Sprintf("it is nested more than %d deep", maxNesting)
		}
	}
	return nil, ""
}

// place is where a layer sets what a path leads to, or the last part of the way that
// it has; deep says how many parts that were.
func (l layer) place(path []string) (at pipelines.Position, deep int) {
	at = pipelines.Position{Path: l.name}
	node := l.body
	for _, step := range path {
		m, ok := node.(ast.MapNode)
		if !ok {
			return at, deep
		}
		found := false
		for it := m.MapRange(); it.Next(); {
			if pair := it.KeyValue(); pair.Key.GetToken().Value == step {
				node, found = pair.Value, true
				at.Line, at.Column = pair.Key.GetToken().Position.Line, pair.Key.GetToken().Position.Column
				break
			}
		}
		if !found {
			return at, deep
		}
		deep++
	}
	return at, deep
}

// origin is where the layer that counts sets what a path leads to: the last that has
// the most of the way.
func origin(layers []layer, path []string) pipelines.Position {
	best, most := pipelines.Position{}, -1
	for _, l := range layers {
		if at, deep := l.place(path); deep >= most && (deep > 0 || most < 0) {
			best, most = at, deep
		}
	}
	return best
}

// merged lays the layers over each other as helm does: mappings key by key,
// everything else as a whole, and null takes away.
func merged(layers []layer) map[string]any {
	all := map[string]any{}
	for _, l := range layers {
		overlay(all, l.values)
	}
	return all
}

func overlay(below, above map[string]any) {
	for key, value := range above {
		inner, isMapping := value.(map[string]any)
		switch known, ok := below[key].(map[string]any); {
		case value == nil:
			delete(below, key)
		case isMapping && ok:
			overlay(known, inner)
		case isMapping:
			fresh := map[string]any{}
			overlay(fresh, inner)
			below[key] = fresh
		default:
			below[key] = value
		}
	}
}
