package service

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/catalog"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// Workspace is a tree of live units that was made of a service and a bundle:
// every stage of package live works in it as in any other.
type Workspace struct {
	// Scope is the live stages': its root is the workspace.
	pipelines.Scope
	// Trunk is penstock.yaml as the service's repository has it, for what is applied;
	// Before is it as the base has it, nil without one. See Planned.
	Trunk, Before *config.Config
	// Configuration are the effective values.
	Configuration *Configuration
	planned       *config.Config
}

// Close removes the workspace. State and stores lie in the service's repository.
func (w *Workspace) Close() error { return os.RemoveAll(w.Root) }

// materialise writes the workspace: the bundle's terraform beneath the service's name,
// and the values of one environment. What penstock.yaml would say of it is handed on,
// and lies in no file that somebody could edit.
func materialise(ctx context.Context, dir string, terraform fs.FS, service config.Service, c *Configuration, own *config.Config) (pipelines.Selection, error) {
	var none pipelines.Selection
	if err := copied(filepath.Join(dir, service.Name), terraform); err != nil {
		return none, err
	}
	follows, err := shown(terraform, c, service)
	if err != nil {
		return none, err
	}
	for _, stack := range Stacks {
		values, err := c.Tfvars(stack)
		if err != nil {
			return none, err
		}
		for name, content := range map[string][]byte{valuesFile: values, shownFile: follows} {
			if err := os.WriteFile(filepath.Join(dir, service.Name, stack, name), content, 0o600); err != nil {
				return none, fmt.Errorf("writing the values of %s: %w", stack, err)
			}
		}
	}
	selected, err := catalog.Select(ctx, catalog.Options{Root: dir, All: true, Config: own})
	if err != nil {
		return none, fmt.Errorf("reading the workspace: %w", err)
	}
	return selected.Selection, nil
}

// copied copies what a bundle holds of Terraform. Links, and whatever tools have left behind, are no
// part of one.
func copied(to string, terraform fs.FS) error {
	return fs.WalkDir(terraform, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("reading the bundle: %w", err)
		}
		base := path.Base(name)
		if entry.IsDir() {
			if base == ".terraform" || base == ".git" {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, filepath.FromSlash(name)), 0o700)
		}
		if !entry.Type().IsRegular() {
			return refuse(inBundle(pipelines.Position{Path: name}), "put a file in its place", "it is not a regular file")
		}
		if name == config.File || strings.HasSuffix(base, ".tfstate") || strings.Contains(base, ".tfstate.") {
			return nil
		}
		content, err := fs.ReadFile(terraform, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.FromSlash(name)), content, 0o600)
		}
		if err != nil {
			return fmt.Errorf("copying the bundle: %w", err)
		}
		return nil
	})
}

// only leaves the stacks that were asked for in a selection.
func only(s pipelines.Selection, service, environment string, stacks []string) (pipelines.Selection, error) {
	var kept []pipelines.Unit
	for _, stack := range stacks {
		i := slices.IndexFunc(s.Units, func(u pipelines.Unit) bool { return u.Path == unit(service, stack) })
		if i < 0 {
			return s, fmt.Errorf("reading the workspace: the bundle has no root %q", stack)
		}
		one := s.Units[i]
		one.Why = []string{service + " in " + environment}
		one.Command = []string{"penstock", stack, pipelines.Verb, "--env", environment}
		kept = append(kept, one)
	}
	s.Units, s.Total = kept, len(kept)
	return s, nil
}
