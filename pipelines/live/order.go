package live

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/gobwas/glob"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// Order finds what each target depends on, in penstock.yaml, in terragrunt.hcl
// and in references to the state of others, and sets After and Wave. known are the
// paths of all live units: one that is not among the targets may be named, but
// what does not change makes nobody wait. A target that cannot be read is marked as
// broken, and the others are ordered.
func Order(fsys fs.FS, targets []Target, known []string, c config.Live) ([]Target, error) {
	byID := map[string]Target{}
	for _, t := range targets {
		byID[t.ID()] = t
	}
	after, broken := map[string][]string{}, map[string]error{}
	kept := map[string]state{}
	for _, t := range targets {
		var err error
		if kept[t.ID()], err = stateOf(fsys, t); err != nil {
			broken[t.ID()] = err
		}
	}
	for _, t := range targets {
		list, err := dependencies(fsys, t, byID, kept, known, c)
		var file *config.Error
		if errors.As(err, &file) {
			return nil, err // of penstock.yaml, which is that of all
		}
		if err != nil && broken[t.ID()] == nil {
			broken[t.ID()] = err
		}
		after[t.ID()] = list
	}
	if loop := cycle(after); loop != nil {
		return nil, &config.Error{Cause: &pipelines.Error{Err: fmt.Errorf("ordering the units: they depend on each other in a circle: %s", strings.Join(loop, " -> ")),
			Hint: "take one of these dependencies out"}}
	}
	waves := map[string]int{}
	var wave func(id string) int
	wave = func(id string) int {
		if waves[id] == 0 {
			n := 0
			for _, before := range after[id] {
				n = max(n, wave(before))
			}
			waves[id] = n + 1
		}
		return waves[id]
	}
	ordered := slices.Clone(targets)
	for i := range ordered {
		ordered[i].After = after[ordered[i].ID()]
		ordered[i].Wave = wave(ordered[i].ID())
		ordered[i].broken = broken[ordered[i].ID()]
	}
	return ordered, nil
}

// dependencies are the ids that one target comes after, also beside an error: those
// that could be read. kept is where each target keeps its state.
func dependencies(fsys fs.FS, t Target, byID map[string]Target, kept map[string]state, known []string, c config.Live) ([]string, error) {
	found := map[string]bool{}
	list := func() []string {
		delete(found, t.ID())
		return slices.Sorted(maps.Keys(found))
	}
	for _, rule := range c.Units {
		if !glob.MustCompile(strings.TrimSuffix(rule.Path, "/"), '/').Match(t.Unit.Path) {
			continue
		}
		for _, name := range rule.After {
			ids := named(t.expand(name), t, byID)
			if len(ids) == 0 && !slices.Contains(known, t.expand(name)) {
				return nil, &config.Error{Cause: &pipelines.Error{Position: rule.Position, Err: fmt.Errorf("%q comes after %q, but there is no such unit", t.ID(), t.expand(name)),
					Hint: "name the path of a live unit; {env} stands for the environment"}}
			}
			for _, id := range ids {
				found[id] = true
			}
		}
	}
	grunt, err := terragruntDependencies(fsys, t.Unit.Path)
	for _, unit := range grunt {
		for _, id := range named(unit, t, byID) {
			found[id] = true
		}
	}
	if err != nil {
		return list(), err
	}
	states, err := statesRead(fsys, t)
	if err != nil {
		return list(), err
	}
	for id, at := range kept {
		if slices.ContainsFunc(states, at.same) {
			found[id] = true
		}
	}
	return list(), nil
}

// named are the targets that a path means, seen from t: in the same environment
// where the unit is in several.
func named(unit string, t Target, byID map[string]Target) []string {
	if _, ok := byID[unit]; ok {
		return []string{unit}
	}
	if id := unit + "@" + t.Environment.Name; byID[id].Unit.Path != "" {
		return []string{id}
	}
	return nil
}

// cycle returns a circle of dependencies, or nil.
func cycle(after map[string][]string) []string {
	const visiting, done = 1, 2
	state := map[string]int{}
	var path []string
	var visit func(id string) []string
	visit = func(id string) []string {
		path = append(path, id)
		defer func() { path = path[:len(path)-1] }()
		state[id] = visiting
		for _, before := range after[id] {
			if state[before] == visiting {
				return append(slices.Clone(path[slices.Index(path, before):]), before)
			}
			if state[before] == 0 {
				if loop := visit(before); loop != nil {
					return loop
				}
			}
		}
		state[id] = done
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(after)) {
		if state[id] == 0 {
			if loop := visit(id); loop != nil {
				return loop
			}
		}
	}
	return nil
}
