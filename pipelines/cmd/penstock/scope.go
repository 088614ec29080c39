package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/catalog"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// scopeFlags say which units a command is about.
type scopeFlags struct {
	base, selection string
	all             bool
	units           []string
}

func (f *scopeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.base, "base", "", "judge what changed since the merge base with `REF`; policies, settings and waivers count as they are there")
	flags.BoolVar(&f.all, "all", false, "judge every unit (the default without --base)")
	flags.StringArrayVar(&f.units, "unit", nil, "judge only the unit `PATH` of those selected, such as one of a matrix; may be given more than once")
	flags.StringVar(&f.selection, "selection", "", "take the selection from `DIR`, written by penstock units --export")
}

// scope is what the flags resolve to: the units, and the configuration that counts.
type scope struct {
	pipelines.Scope
	config *config.Config
	// head is the configuration as it stands in Root.
	head *config.Config
	// checkout is what the selection was made from, where it was taken from a directory.
	checkout *catalog.Checkout
	selected catalog.Selected
}

func (f *scopeFlags) resolve(ctx context.Context, dir string) (scope, error) {
	root, err := directory(dir)
	if err != nil {
		return scope{}, err
	}
	head, err := config.Load(os.DirFS(root))
	if err != nil {
		return scope{}, err
	}
	selected, err := f.selected(ctx, root, head)
	if err != nil {
		return scope{}, err
	}
	if err := f.only(&selected.Selection); err != nil {
		return scope{}, err
	}
	s := scope{Scope: pipelines.Scope{Root: root, Selection: selected.Selection, Base: selected.Base}, config: head, head: head, checkout: selected.Checkout, selected: selected}
	if s.Base == nil {
		return s, nil
	}
	if s.config, err = config.Load(s.Base); err != nil {
		return scope{}, &pipelines.Error{Err: err, Hint: "the base holds a broken " + config.File + ": mend it there first"}
	}
	return s, nil
}

func (f *scopeFlags) selected(ctx context.Context, root string, head *config.Config) (catalog.Selected, error) {
	if f.selection != "" {
		if f.base != "" || f.all {
			return catalog.Selected{}, usage("--selection stands in for --base and --all: give one or the other")
		}
		return catalog.Import(f.selection)
	}
	return catalog.Select(ctx, catalog.Options{Root: root, Base: f.base, All: f.all || f.base == "", Config: head})
}

// only keeps the units that were named.
func (f *scopeFlags) only(s *pipelines.Selection) error {
	if len(f.units) == 0 {
		return nil
	}
	var kept, removed []pipelines.Unit
	for _, name := range f.units {
		named := func(u pipelines.Unit) bool { return u.Path == name }
		if i := slices.IndexFunc(s.Removed, named); i >= 0 {
			removed = append(removed, s.Removed[i])
			continue
		}
		i := slices.IndexFunc(s.Units, named)
		if i < 0 {
			return usage("the unit %q is not selected: penstock units lists those that are", name)
		}
		kept = append(kept, s.Units[i])
	}
	s.Units, s.Removed = kept, removed
	return nil
}

// below refuses a directory whose repository is configured above it: it would be
// planned as another one, with other state.
func below(root string) error {
	if _, err := os.Lstat(filepath.Join(root, config.File)); err == nil {
		return nil
	}
	for dir := root; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, config.File)); err == nil {
			return usage("%s lies in %q, above the directory that was named: go there, and choose the unit with --unit", config.File, dir)
		}
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil || dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// fetchRemoved puts the closures of units that were taken away where the live stages
// find them, until the function that it returns is called. It refuses a scope that
// is no repository of live infrastructure of its own.
func (s *scope) fetchRemoved(ctx context.Context) (func(), error) {
	if err := below(s.Root); err != nil {
		return nil, err
	}
	if len(s.Selection.Removed) == 0 {
		return func() {}, nil
	}
	if s.Removed = s.selected.Gone; s.Removed != "" {
		return func() {}, nil
	}
	dir, err := os.MkdirTemp("", "penstock-removed-")
	if err != nil {
		return nil, err
	}
	s.Removed = dir
	done := func() { _ = os.RemoveAll(dir) } // what stands in a commit
	if err := s.selected.Closures(ctx, dir); err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// directory returns the absolute path of a directory that a user named.
func directory(dir string) (string, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(root)
	switch {
	case err != nil:
		return "", usage("reading the catalog: %w", err)
	case !info.IsDir():
		return "", usage("reading the catalog: %q is not a directory", dir)
	}
	return root, nil
}
