package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Limit is the largest penstock.yaml that is read, in bytes.
const Limit = 1 << 20

// Error is what is wrong with penstock.yaml, and where.
type Error struct{ Cause *pipelines.Error }

func (e *Error) Error() string { return e.Cause.Error() }

// Unwrap returns the error with its position and hint.
func (e *Error) Unwrap() error { return e.Cause }

func refuse(at pipelines.Position, hint, format string, args ...any) error {
	return &Error{&pipelines.Error{Position: at, Hint: hint, Err: fmt.Errorf(format, args...)}}
}

// Load reads penstock.yaml at the root of fsys. Without the file it returns the
// configuration that holds without one.
func Load(fsys fs.FS) (*Config, error) {
	info, err := fs.Stat(fsys, File)
	if errors.Is(err, fs.ErrNotExist) {
		return &Config{Version: 1}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if !info.Mode().IsRegular() { // a named pipe would be waited for
		return nil, refuse(pipelines.Position{Path: File}, "put a file in its place, or take it away", "it is not a regular file")
	}
	file, err := fsys.Open(File)
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

// Read reads a configuration; name is what positions call it. What it refuses is
// refused by an *Error.
func Read(name string, content []byte) (*Config, error) {
	at := pipelines.Position{Path: name}
	if len(content) > Limit {
		return nil, refuse(at, "split what it holds, or take out what is generated", "it is over %d bytes", Limit)
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff")) // some editors begin a file with it
	if !utf8.Valid(content) {
		at.Line, at.Column = invalid(content)
		return nil, refuse(at, "save it as UTF-8", "it is not UTF-8")
	}
	tokens := lexer.Tokenize(string(content))
	if t := nesting.YAML(tokens); t != nil {
		return nil, refuse(pipelines.Position{Path: name, Line: t.Position.Line, Column: t.Position.Column}, "", "it is nested more than %d deep", nesting.MaxYAML)
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, syntax(at, err)
	}
	body, err := plain(name, file)
	if err != nil {
		return nil, err
	}
	if err := shape(name, "the file", body, reflect.TypeFor[Config]()); err != nil {
		return nil, err
	}
	c := &Config{}
	if err := yaml.NodeToValue(body, c, yaml.Strict()); err != nil {
		return nil, syntax(at, err)
	}
	if err := c.check(places{name, body}); err != nil {
		return nil, err
	}
	return c, nil
}

// invalid is the line and the column of the first byte that is not UTF-8.
func invalid(content []byte) (line, column int) {
	line, column = 1, 1
	for len(content) > 0 {
		r, size := utf8.DecodeRune(content)
		if r == utf8.RuneError && size == 1 {
			break
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
		content = content[size:]
	}
	return line, column
}

// syntax turns an error of the YAML library into one with a position.
func syntax(at pipelines.Position, err error) error {
	message := err.Error()
	var known yaml.Error
	if errors.As(err, &known) {
		message = known.GetMessage()
		if token := known.GetToken(); token != nil {
			at.Line, at.Column = token.Position.Line, token.Position.Column
		}
	}
	return refuse(at, "", "%s", printable.Text(message, 300)) // it may quote the file
}
