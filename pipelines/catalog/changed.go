// Package catalog knows which units a repository has, what each depends on, and
// so which of them a change touches.
package catalog

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// change is what differs between two trees.
type change struct {
	verbs      map[string]string // path -> added, changed, deleted
	sorted     []string
	byDir      map[string]string // directory -> the first changed file directly in it
	submodules []string
}

func diff(base, head map[string]git.Entry) change {
	c := change{verbs: map[string]string{}, byDir: map[string]string{}}
	for p, entry := range head {
		old, was := base[p]
		switch {
		case ignored(p):
		case !was:
			c.verbs[p] = "added"
		case old.Hash != entry.Hash || (old.Mode == git.ModeSymlink) != (entry.Mode == git.ModeSymlink):
			c.verbs[p] = "changed"
		}
	}
	for p := range base {
		if _, is := head[p]; !is && !ignored(p) {
			c.verbs[p] = "deleted"
		}
	}
	for p := range c.verbs {
		c.sorted = append(c.sorted, p)
		if base[p].Mode == git.ModeSubmodule || head[p].Mode == git.ModeSubmodule {
			c.submodules = append(c.submodules, p)
		}
	}
	slices.Sort(c.sorted)
	slices.Sort(c.submodules)
	for _, p := range c.sorted {
		if dir := path.Dir(p); c.byDir[dir] == "" && !document(p) {
			c.byDir[dir] = p
		}
	}
	return c
}

// document says whether a file is only prose: it counts where it is read by
// name, but not for lying in a unit's directory.
func document(p string) bool { return strings.HasSuffix(strings.ToLower(p), ".md") }

// touches returns the first changed path that a node reads, or "".
func (c change) touches(n *node) string {
	if n.anywhere && len(c.sorted) > 0 {
		return c.sorted[0]
	}
	for _, dir := range n.dirs {
		if p := c.byDir[dir]; p != "" {
			return p
		}
	}
	for _, p := range n.files {
		if c.verbs[p] != "" {
			return p
		}
	}
	for _, tree := range n.trees {
		if list := beneath(c.sorted, tree); len(list) > 0 {
			return list[0]
		}
	}
	for _, sub := range c.submodules {
		for _, p := range slices.Concat(n.dirs, n.files, n.trees) {
			if strings.HasPrefix(p+"/", sub+"/") {
				return sub
			}
		}
	}
	return ""
}

// Changed returns the units of head that a change from base touches: those with
// a changed file in their closure, as it is on head or was on base. It reads
// nothing but the two trees, each with its own configuration.
func Changed(ctx context.Context, base, head *git.Tree, baseConfig, headConfig *config.Config) (pipelines.Selection, error) {
	known := &cache{}
	before, err := build(ctx, base, baseConfig, known)
	if err != nil {
		return pipelines.Selection{}, err
	}
	after, err := build(ctx, head, headConfig, known)
	if err != nil {
		return pipelines.Selection{}, err
	}
	c := diff(base.Entries, head.Entries)
	units, notices := after.units()
	stayLive(before, after, units)
	s := pipelines.Selection{Schema: pipelines.SelectionSchema, Total: len(units), Units: []pipelines.Unit{}, Notices: notices, Live: live(units)}
	for _, unit := range units {
		why := c.why(after, unit.Path)
		if was := c.why(before, unit.Path); len(why) == 0 || len(was) > 0 && len(was) < len(why) {
			why = was
		}
		if len(why) == 0 {
			continue
		}
		unit.Why, unit.Inputs = why, after.inputs(unit.Path)
		s.Units = append(s.Units, unit)
	}
	s.Removed = removed(before, after, units)
	if len(s.Units) == 0 {
		s.Reason = "no unit depends on what changed"
		if len(c.sorted) == 0 {
			s.Reason = "nothing changed"
		}
	}
	return empty(s), nil
}

// why is the shortest chain from a unit to a change, or nil.
func (c change) why(g *graph, unit string) []string {
	if len(c.sorted) == 0 {
		return nil
	}
	found := ""
	chain := visit(g.unit(unit), func(n *node) bool { found = c.touches(n); return found != "" })
	if chain == nil {
		return nil
	}
	if last := chain[len(chain)-1]; len(chain) > 1 && strings.HasPrefix(found, last+"/") {
		chain = chain[:len(chain)-1] // the file names its directory
	}
	return append(chain, found+" "+c.verbs[found])
}

// All returns every unit of a tree.
func All(ctx context.Context, t *git.Tree, c *config.Config) (pipelines.Selection, error) {
	g, err := build(ctx, t, c, &cache{})
	if err != nil {
		return pipelines.Selection{}, err
	}
	units, notices := g.units()
	s := pipelines.Selection{Schema: pipelines.SelectionSchema, All: true, Total: len(units), Units: []pipelines.Unit{}, Notices: notices, Live: live(units)}
	for _, unit := range units {
		unit.Why, unit.Inputs = []string{unit.Path, "all units were asked for"}, g.inputs(unit.Path)
		s.Units = append(s.Units, unit)
	}
	return empty(s), nil
}

// stayLive keeps the kind of live units that lost their backend, or of which a file
// can no longer be read: what they made is still there, and somebody has to look.
func stayLive(before, after *graph, units []pipelines.Unit) {
	was, _ := before.units()
	kinds := map[string]pipelines.Kind{}
	for _, unit := range was {
		kinds[unit.Path] = unit.Kind
	}
	for i := range units {
		if kinds[units[i].Path] == pipelines.Live && units[i].Kind == pipelines.Module {
			units[i].Kind = pipelines.Live
		}
	}
}

// removed are the live units of the base that are no longer there.
func removed(before, after *graph, units []pipelines.Unit) (gone []pipelines.Unit) {
	there := live(units)
	was, _ := before.units()
	for _, unit := range was {
		// Where any configuration is left the unit was not taken away, whatever it is now.
		left := slices.ContainsFunc(after.children[unit.Path], after.configures)
		if unit.Kind == pipelines.Live && !slices.Contains(there, unit.Path) && !left {
			unit.Why, unit.Inputs = []string{unit.Path, "it was taken away"}, before.inputs(unit.Path)
			gone = append(gone, unit)
		}
	}
	return gone
}

// live are the paths of the units that are applied as they are.
func live(units []pipelines.Unit) (paths []string) {
	for _, unit := range units {
		if unit.Kind == pipelines.Live {
			paths = append(paths, unit.Path)
		}
	}
	return paths
}

// empty says why a catalog without units is no catalog.
func empty(s pipelines.Selection) pipelines.Selection {
	if s.Total == 0 {
		s.Reason = "there is no unit here: no directory holds Terraform, OpenTofu or Terragrunt configuration"
	}
	return s
}
