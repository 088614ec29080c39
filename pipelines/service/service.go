// Package service makes live units of a service: what its repository says, the
// roots of the platform's bundle, and nothing else. They are planned and applied by
// package live.
package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// Service is a service in one environment.
type Service struct {
	// Root is its repository.
	Root string
	// Config is penstock.yaml as it stands in Root, Base as it stands on the base of the
	// change; nil without one. Who may read, sign and approve is on the base.
	Config, Base *config.Config
	// Environment is where.
	Environment config.ServiceEnvironment

	now time.Time
}

// Open reads what a service says of an environment. base is a ref, "" without one.
// An opt-out that is over, or an environment that is not declared, is an error.
func Open(ctx context.Context, root, environment, base string, now time.Time) (*Service, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	defer dir.Close()
	s := &Service{Root: root, now: now}
	if s.Config, err = config.Load(dir.FS()); err != nil {
		return nil, err
	}
	if s.Config.Service == nil {
		return nil, &config.Error{Cause: &pipelines.Error{Position: pipelines.Position{Path: config.File}, Err: errors.New("it describes no service"),
			Hint: "add the section service, or run penstock new service NAME"}}
	}
	if s.Environment, err = s.Config.Service.In(environment); err != nil {
		return nil, err
	}
	if _, err := s.Environment.Waived("", now); err != nil {
		return nil, err
	}
	if base == "" {
		return s, nil
	}
	repo, err := git.Open(ctx, root)
	if err != nil {
		return nil, err
	}
	commit, err := repo.MergeBase(ctx, base, "")
	if err != nil {
		return nil, err
	}
	tree, err := repo.Tree(ctx, commit)
	if err != nil {
		return nil, err
	}
	if s.Base, err = config.Load(tree.FS()); err != nil {
		return nil, &pipelines.Error{Err: fmt.Errorf("reading the base %.12s: %w", commit, err), Hint: "mend it on the base first"}
	}
	return s, nil
}

// Configure works out the effective values with a bundle.
func (s *Service) Configure(b *bundle.Bundle) (*Configuration, error) {
	dir, err := os.OpenRoot(s.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	defer dir.Close()
	terraform, err := terraformOf(b)
	if err != nil {
		return nil, err
	}
	return Configure(dir.FS(), terraform, *s.Config.Service, s.Environment.Name)
}

func terraformOf(b *bundle.Bundle) (fs.FS, error) {
	info, err := fs.Stat(b.FS(), "terraform")
	if err != nil || !info.IsDir() {
		return nil, &pipelines.Error{Err: errors.New("reading the bundle: it has no directory terraform"), Hint: "name the directory that has terraform/ in it"}
	}
	terraform, err := fs.Sub(b.FS(), "terraform")
	if err != nil {
		return nil, fmt.Errorf("reading the bundle: %w", err)
	}
	return terraform, nil
}

// Workspace makes live units of some stacks, for a plan: what counts is what the base
// says. It is to be closed.
func (s *Service) Workspace(ctx context.Context, b *bundle.Bundle, stacks ...string) (*Workspace, error) {
	c, err := s.Configure(b)
	if err != nil {
		return nil, err
	}
	terraform, err := terraformOf(b)
	if err != nil {
		return nil, err
	}
	rules, err := bundleConfig(terraform)
	if err != nil {
		return nil, err
	}
	name := s.Config.Service.Name
	w := &Workspace{Configuration: c}
	if w.Trunk, err = liveConfig(s.Root, name, s.Config, rules, s.Environment.Name); err != nil {
		return nil, err
	}
	w.planned = w.Trunk
	if s.Base != nil {
		// All environments: one that a change renames may have had gates by another name.
		if w.Before, err = liveConfig(s.Root, name, s.Base, rules); err != nil {
			return nil, err
		}
		if w.planned, err = liveConfig(s.Root, name, s.Base, rules, s.Environment.Name); err != nil {
			return nil, err
		}
		if len(w.planned.Live.Environments) == 0 {
			w.planned = nil
		}
	}
	dir, err := os.MkdirTemp("", "penstock-service-")
	if err != nil {
		return nil, fmt.Errorf("making room for the workspace: %w", err)
	}
	w.Root = dir
	if w.Selection, err = materialise(ctx, dir, terraform, *s.Config.Service, c, w.Trunk); err == nil {
		w.Selection, err = only(w.Selection, name, s.Environment.Name, stacks)
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// ErrNewEnvironment says that an environment is not on the base.
var ErrNewEnvironment = errors.New("the environment is not in live.environments on the base")

// Planned is the configuration that counts for a plan: the base's.
func (w *Workspace) Planned() (*config.Config, error) {
	if w.planned == nil {
		return nil, &config.Error{Cause: &pipelines.Error{Position: pipelines.Position{Path: config.File}, Err: ErrNewEnvironment,
			Hint: "bring it there first, in a change of its own: who may read, sign and approve is not for a change itself to say"}}
	}
	return w.planned, nil
}

// Ungated says whether the environment takes what a person planned and sealed themselves.
func (s *Service) Ungated() bool {
	return slices.ContainsFunc(s.Config.Live.Environments, func(e config.Environment) bool { return e.Name == s.Environment.Name && !e.Gated() })
}
