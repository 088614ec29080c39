package live

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// ErrChoice says that a name on the command line chooses nothing.
var ErrChoice = errors.New("a name chooses nothing")

// choice is an ErrChoice in its own words.
type choice struct{ error }

func (choice) Is(target error) bool { return target == ErrChoice }

// Select returns the targets of a selection in their order, of some environments
// (default: all) and of some ids (default: all). Units that were taken away are
// among them, to be destroyed after all others, those first that depend on others.
// The function is to be called when the targets are no longer needed.
func Select(root *os.Root, scope pipelines.Scope, c config.Live, environments, only []string) ([]Target, func(), error) {
	s := scope.Selection
	known := slices.Clone(s.Live)
	for _, unit := range s.Removed {
		known = append(known, unit.Path)
	}
	targets, err := ordered(root, s.Units, known, c)
	if err != nil {
		return nil, nil, err
	}
	done := func() {}
	if len(s.Removed) > 0 && scope.Removed != "" {
		base, err := os.OpenRoot(scope.Removed)
		if err != nil {
			return nil, nil, fmt.Errorf("opening the units that were taken away: %w", err)
		}
		done = func() { _ = base.Close() } // it was only read
		gone, err := ordered(base, s.Removed, known, c)
		if err != nil {
			done()
			return nil, nil, err
		}
		targets = append(targets, reversed(gone, last(targets))...)
	}
	if err := choose(targets, c, environments, only); err != nil {
		done()
		return nil, nil, err
	}
	return slices.DeleteFunc(targets, func(t Target) bool {
		return len(environments) > 0 && !slices.Contains(environments, t.Environment.Name) || len(only) > 0 && !slices.Contains(only, t.ID())
	}), done, nil
}

func ordered(home *os.Root, units []pipelines.Unit, known []string, c config.Live) ([]Target, error) {
	targets, err := Targets(home.FS(), units, c)
	if err != nil {
		return nil, err
	}
	if targets, err = Order(home.FS(), targets, known, c); err != nil {
		return nil, err
	}
	for i := range targets {
		targets[i].home = home
	}
	return targets, nil
}

func last(targets []Target) int {
	wave := 0
	for _, t := range targets {
		wave = max(wave, t.Wave)
	}
	return wave
}

// reversed puts targets that are to be destroyed into waves after another: what
// others depend on goes last.
func reversed(gone []Target, after int) []Target {
	end := after + last(gone) + 1
	for i := range gone {
		gone[i].removed, gone[i].Wave = true, end-gone[i].Wave
	}
	users := map[string][]string{}
	for _, t := range gone {
		for _, id := range t.After {
			users[id] = append(users[id], t.ID())
		}
	}
	for i := range gone {
		gone[i].After = users[gone[i].ID()]
	}
	return gone
}

// choose refuses names of environments and targets that choose nothing.
func choose(targets []Target, c config.Live, environments, only []string) error {
	there := c.Environments
	if len(there) == 0 {
		there = []config.Environment{anywhere()}
	}
	for _, name := range environments {
		if !slices.ContainsFunc(there, func(e config.Environment) bool { return e.Name == name }) {
			return choice{fmt.Errorf("choosing environments: there is no %q, there are %s", name, names(there))}
		}
	}
	for _, id := range only {
		if !slices.ContainsFunc(targets, func(t Target) bool { return t.ID() == id }) {
			return choice{fmt.Errorf("choosing units: %q is not selected", id)}
		}
		if len(environments) > 0 && !slices.ContainsFunc(targets, func(t Target) bool { return t.ID() == id && slices.Contains(environments, t.Environment.Name) }) {
			return fmt.Errorf("choosing units: %w: %q is not in %s", ErrChoice, id, strings.Join(environments, ", "))
		}
	}
	return nil
}
