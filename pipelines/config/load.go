package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/penstock-dev/penstock/pipelines"
)

// Limit is the largest penstock.yaml that is read, in bytes.
const Limit = 1 << 20

// Error is what is wrong with penstock.yaml, and where.
type Error struct{ cause *pipelines.Error }

func (e *Error) Error() string { return e.cause.Error() }

// Unwrap returns the error with its position and hint.
func (e *Error) Unwrap() error { return e.cause }

func refuse(at pipelines.Position, hint, format string, args ...any) error {
	return &Error{&pipelines.Error{Position: at, Hint: hint, Err: fmt.Errorf(format, args...)}}
}

// Load reads penstock.yaml at the root of fsys. Without the file it returns the
// configuration that holds without one.
func Load(fsys fs.FS) (*Config, error) {
	file, err := fsys.Open(File)
	if errors.Is(err, fs.ErrNotExist) {
		return &Config{Version: 1}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, Limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return Read(File, content)
}

// Read reads a configuration; name is what positions call it.
func Read(name string, content []byte) (*Config, error) {
	at := pipelines.Position{Path: name}
	if len(content) > Limit {
		return nil, refuse(at, "split what it holds, or take out what is generated", "it is over %d bytes", Limit)
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, refuse(at, `write "version: 1"`, "it is empty")
	}
	file, err := parser.ParseBytes(content, 0)
	if err != nil {
		return nil, syntax(at, err)
	}
	if err := plain(name, file); err != nil {
		return nil, err
	}
	body := file.Docs[0].Body
	if err := keys(name, body, reflect.TypeFor[Config]()); err != nil {
		return nil, err
	}
	c := &Config{}
	if err := yaml.UnmarshalWithOptions(content, c, yaml.Strict()); err != nil {
		return nil, syntax(at, err)
	}
	if err := c.check(places{name, body}); err != nil {
		return nil, err
	}
	return c, nil
}

// syntax turns an error of the YAML library into one with a position.
func syntax(at pipelines.Position, err error) error {
	var known yaml.Error
	if !errors.As(err, &known) {
		return refuse(at, "", "%w", err)
	}
	if token := known.GetToken(); token != nil {
		at.Line, at.Column = token.Position.Line, token.Position.Column
	}
	return refuse(at, "", "%s", known.GetMessage())
}

// plain refuses what makes a small file mean something large or something else:
// aliases, merges, several documents.
func plain(name string, file *ast.File) error {
	if len(file.Docs) != 1 {
		return refuse(pipelines.Position{Path: name}, "", "it holds %d documents, allowed is one", len(file.Docs))
	}
	v := &aliases{}
	if file.Docs[0].Body == nil {
		return refuse(pipelines.Position{Path: name}, `write "version: 1"`, "it is empty")
	}
	ast.Walk(v, file.Docs[0].Body)
	if v.found != nil {
		token := v.found.GetToken().Position
		return refuse(pipelines.Position{Path: name, Line: token.Line, Column: token.Column},
			"write the value out where it is used", "anchors and aliases are not allowed")
	}
	return nil
}

type aliases struct{ found ast.Node }

func (v *aliases) Visit(node ast.Node) ast.Visitor {
	switch node.Type() {
	case ast.AliasType, ast.AnchorType, ast.MergeKeyType:
		if v.found == nil {
			v.found = node
		}
	}
	if v.found != nil {
		return nil
	}
	return v
}
