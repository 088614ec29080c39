// Package valuesfile reads files of values for Helm, strictly, and the same for all
// that look at them: what one stage takes, no other reads differently.
package valuesfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/goccy/go-yaml/ast"

	"github.com/penstock-dev/penstock/pipelines"
)

// Limit is the largest file of values, in bytes; the release, with the chart in it,
// has to fit into a Secret of 1 MiB.
const Limit = 1 << 20

// Document is a file of values that was read.
type Document struct {
	// Name is what the file is called in messages.
	Name string
	// Body is the node of its one mapping, nil where it is empty.
	Body ast.Node
	// Values are what helm makes of it.
	Values map[string]any
}

// Read reads a file of values strictly; name is what it is called. fs.ErrNotExist
// where there is none; other errors say which file it is.
func Read(fsys fs.FS, file, name string) (Document, error) {
	text, err := Regular(fsys, file, Limit)
	if errors.Is(err, fs.ErrNotExist) {
		if _, there := fs.Lstat(fsys, file); there != nil {
			return Document{}, err
		}
		err = errors.New("it is a link to what is not there")
	}
	if err != nil {
		return Document{}, &pipelines.Error{Position: pipelines.Position{Path: name}, Err: err}
	}
	return Parse(name, text)
}

// Regular reads a file of at most limit bytes that is one: a named pipe would be waited for.
func Regular(fsys fs.FS, file string, limit int64) ([]byte, error) {
	info, err := fs.Stat(fsys, file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	opened, err := fsys.Open(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	text, err := io.ReadAll(io.LimitReader(opened, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("it is over %d bytes", limit)
	}
	return text, err
}
