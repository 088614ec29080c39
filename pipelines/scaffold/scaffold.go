// Package scaffold writes the first configuration of a module as a live unit. It
// reads the module's text and runs nothing of it.
package scaffold

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"

	"github.com/google/uuid"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// ErrArgument says that what was asked for cannot be written: the path, the source
// or the environment is wrong, or something is there already.
var ErrArgument = errors.New("it cannot be written")

// Unit is a live unit to be.
type Unit struct {
	// Root is the repository.
	Root string
	// Path is the unit's directory, relative to Root and slash-separated. It must not
	// exist, or be empty.
	Path string
	// Source is the module as a module block has it: a git reference with ?ref=, or the
	// path of a local module relative to Root, beginning with "./".
	Source string
	// Environment is the one environment to write values for, where the path is in
	// none. Default: each that takes units by a file ENVIRONMENT.tfvars.
	Environment string
	// Config is penstock.yaml; nil is the default.
	Config *config.Config
}

// Write reads the module and writes the unit: all of its files, or none. It returns
// their paths relative to Root, sorted.
func (u Unit) Write(ctx context.Context) ([]string, error) {
	if u.Config == nil {
		u.Config = &config.Config{Version: 1}
	}
	if err := checkPath(u.Path); err != nil {
		return nil, err
	}
	source, err := parseSource(u.Source)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(u.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	defer root.Close()
	if err := vacant(root, u.Path); err != nil {
		return nil, err
	}
	places, err := u.environments()
	if err != nil {
		return nil, err
	}
	m, err := u.module(ctx, root, source)
	if err != nil {
		return nil, fmt.Errorf("reading the module %q: %w", u.Source, err)
	}
	files := m.files(call{name: callName(u.Path), source: source.from(u.Path), places: places})
	return place(root, u.Path, files)
}

// module reads the interface of the source.
func (u Unit) module(ctx context.Context, root *os.Root, s source) (*module, error) {
	if s.local {
		return read(root.FS(), s.dir)
	}
	dir, err := os.MkdirTemp("", "penstock-new-")
	if err != nil {
		return nil, fmt.Errorf("making room for it: %w", err)
	}
	defer os.RemoveAll(dir) // it holds nothing but a copy of the catalog
	tree, err := s.fetch(ctx, dir)
	if err != nil {
		return nil, err
	}
	return read(tree, s.dir)
}

// part is what a directory of a unit may be called: what is plain in a shell, in a
// URL and as the key of a state.
var part = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$`)

func checkPath(name string) error {
	refuse := func(format string, args ...any) error {
		return &pipelines.Error{Err: fmt.Errorf("writing the unit %q: %w: %w", name, ErrArgument, fmt.Errorf(format, args...)),
			Hint: "name a new directory in the repository, such as live/dvlp/network"}
	}
	if name == "." || !fs.ValidPath(name) {
		return refuse("it is no path within the repository")
	}
	for rest := name; rest != "."; rest = path.Dir(rest) {
		if !part.MatchString(path.Base(rest)) {
			return refuse("%q may hold letters, digits, and within it . _ and -", path.Base(rest))
		}
	}
	return nil
}

// vacant says whether there is room for a unit: nothing is ever overwritten.
func vacant(root *os.Root, name string) error {
	entries, err := fs.ReadDir(root.FS(), name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking for room for %q: %w", name, err)
	case len(entries) > 0:
		return &pipelines.Error{Err: fmt.Errorf("writing the unit %q: %w: the directory is there and not empty", name, ErrArgument),
			Hint: "name another, or remove it: nothing is overwritten"}
	}
	return nil
}

// place writes files beside their place and then moves them there at once.
func place(root *os.Root, dir string, files map[string][]byte) (written []string, err error) {
	parent := path.Dir(dir)
	if err := root.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("making room for %q: %w", dir, err)
	}
	aside := path.Join(parent, ".penstock-new-"+uuid.NewString())
	if err := root.Mkdir(aside, 0o755); err != nil {
		return nil, fmt.Errorf("making room for %q: %w", dir, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, root.RemoveAll(aside))
		}
	}()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := root.WriteFile(path.Join(aside, name), files[name], 0o644); err != nil {
			return nil, fmt.Errorf("writing %q: %w", path.Join(dir, name), err)
		}
		written = append(written, path.Join(dir, name))
	}
	if err := root.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty directory goes, and nothing else
		return nil, fmt.Errorf("making room for %q: %w", dir, err)
	}
	if err := root.Rename(aside, dir); err != nil {
		return nil, fmt.Errorf("writing %q: %w", dir, err)
	}
	return written, nil
}
