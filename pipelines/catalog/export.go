package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// selectionFile and baseDir are what Export writes.
const (
	selectionFile = "selection.json"
	checkoutFile  = "checkout.json"
	baseDir       = "base"
	removedDir    = "removed"
)

// Export writes the selection and what counts of the base to dir, for stages
// that run where there is no repository.
func (s Selected) Export(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("exporting the selection: %w", err)
	}
	text, err := json.MarshalIndent(s.Selection, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, selectionFile), append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("exporting the selection: %w", err)
	}
	if s.Checkout != nil {
		text, err := json.Marshal(s.Checkout)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, checkoutFile), append(text, '\n'), 0o644); err != nil {
			return fmt.Errorf("exporting the selection: %w", err)
		}
	}
	if s.tree == nil {
		return nil
	}
	if err := s.Closures(ctx, filepath.Join(dir, removedDir)); err != nil {
		return err
	}
	c, err := config.Load(s.Base)
	if err != nil {
		return err
	}
	var candidates []string
	for p, entry := range s.tree.Entries {
		plain := entry.Mode == git.ModeFile || entry.Mode == git.ModeExec
		if plain && !strings.HasPrefix(p, "../") && (configuration(p) || kept(p, nil, c.Compliance.Policies)) {
			candidates = append(candidates, p)
		}
	}
	contents, err := s.tree.Read(ctx, candidates)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, baseDir), 0o755); err != nil {
		return fmt.Errorf("exporting the base: %w", err)
	}
	root, err := os.OpenRoot(filepath.Join(dir, baseDir))
	if err != nil {
		return fmt.Errorf("exporting the base: %w", err)
	}
	defer root.Close()
	for p, content := range contents {
		if !kept(p, content, c.Compliance.Policies) {
			continue
		}
		if err := root.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return fmt.Errorf("exporting the base: %w", err)
		}
		if err := root.WriteFile(p, content, 0o644); err != nil {
			return fmt.Errorf("exporting the base: %w", err)
		}
	}
	return nil
}

// Closures writes the closures of the units that were taken away to dir, as they are
// on the base.
func (s Selected) Closures(ctx context.Context, dir string) error {
	var paths []string
	for _, unit := range s.Selection.Removed {
		for _, p := range unit.Inputs {
			if mode := s.tree.Entries[p].Mode; (mode == git.ModeFile || mode == git.ModeExec) && !strings.HasPrefix(p, "../") {
				paths = append(paths, p)
			}
		}
	}
	if len(paths) == 0 {
		return nil
	}
	slices.Sort(paths)
	contents, err := s.tree.Read(ctx, slices.Compact(paths))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing units that were taken away: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("writing units that were taken away: %w", err)
	}
	defer root.Close()
	for p, content := range contents {
		if err := root.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return fmt.Errorf("writing units that were taken away: %w", err)
		}
		if err := root.WriteFile(p, content, 0o644); err != nil {
			return fmt.Errorf("writing units that were taken away: %w", err)
		}
	}
	return nil
}

// Import reads what Export wrote.
func Import(dir string) (Selected, error) {
	text, err := os.ReadFile(filepath.Join(dir, selectionFile))
	if err != nil {
		return Selected{}, &pipelines.Error{Err: fmt.Errorf("reading the selection: %w", err), Hint: "write it with penstock units --export " + dir}
	}
	var s Selected
	if err := json.Unmarshal(text, &s.Selection); err != nil {
		return Selected{}, fmt.Errorf("reading the selection: %w", err)
	}
	if s.Selection.Schema != pipelines.SelectionSchema {
		return Selected{}, fmt.Errorf("reading the selection: its schema is %q, allowed is %q", s.Selection.Schema, pipelines.SelectionSchema)
	}
	if text, err := os.ReadFile(filepath.Join(dir, checkoutFile)); err == nil {
		s.Checkout = &Checkout{}
		if err := json.Unmarshal(text, s.Checkout); err != nil {
			return Selected{}, fmt.Errorf("reading the selection: %w", err)
		}
	}
	if gone := filepath.Join(dir, removedDir); len(s.Selection.Removed) > 0 {
		s.Gone = gone
	}
	base := filepath.Join(dir, baseDir)
	if info, err := os.Stat(base); err == nil && info.IsDir() {
		s.Base = os.DirFS(base)
	} else if s.Selection.Base != "" {
		return Selected{}, fmt.Errorf("reading the selection: it has a base, but not its files: %w", errors.Join(err, fs.ErrNotExist))
	}
	return s, nil
}
