package catalog

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/gobwas/glob"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// pins are files that say which version of a tool, or which configuration of
// it, holds for a directory and all beneath.
var pins = []string{".terraform-version", ".opentofu-version", ".tool-versions", ".tflint.hcl"}

// units lists the units of a tree, sorted by path, and what is odd about the
// rules that name them.
func (g *graph) units() ([]pipelines.Unit, []pipelines.Notice) {
	rules := make([]func(string) bool, len(g.config.Units))
	used := make([]bool, len(rules))
	for i, rule := range g.config.Units {
		rules[i] = glob.MustCompile(strings.TrimSuffix(rule.Path, "/"), '/').Match
	}
	var units []pipelines.Unit
	for dir := range g.children {
		if dir == ".." || strings.HasPrefix(dir, "../") || !slices.ContainsFunc(g.children[dir], g.configures) {
			continue
		}
		kind := g.kind(dir)
		for i, matches := range rules {
			if matches(dir) {
				kind, used[i] = pipelines.Kind(g.config.Units[i].Kind), true
			}
		}
		if kind != "ignore" {
			units = append(units, pipelines.Unit{Path: dir, Kind: kind})
		}
	}
	slices.SortFunc(units, func(a, b pipelines.Unit) int { return strings.Compare(a.Path, b.Path) })
	var notices []pipelines.Notice
	for i, rule := range g.config.Units {
		if !used[i] {
			notices = append(notices, pipelines.Notice{Path: config.File, Line: rule.Position.Line,
				Message: fmt.Sprintf("the unit rule %q matches no directory of configuration", rule.Path)})
		}
	}
	return units, notices
}

// kind is what a directory is by convention.
func (g *graph) kind(dir string) pipelines.Kind {
	parts := strings.Split(dir, "/")
	files := g.children[dir]
	has := func(match func(string) bool) bool { return slices.ContainsFunc(files, match) }
	switch {
	case has(func(p string) bool { return strings.HasSuffix(p, "_test.go") }),
		slices.Contains(parts, "test"), slices.Contains(parts, "tests"):
		return pipelines.Test
	case slices.Contains(parts, "examples"), slices.Contains(parts, "example"):
		return pipelines.Example
	case has(func(p string) bool { return path.Base(p) == "terragrunt.hcl" || g.facts[p].live || g.facts[p].broken }):
		return pipelines.Live // what cannot be read may be: whoever plans it is told
	}
	return pipelines.Module
}

// unit returns the node of a unit: its directory and what all units share.
func (g *graph) unit(dir string) *node {
	n := &node{name: dir, next: []*node{g.dir(dir)}, files: []string{config.File}, trees: g.shared}
	for _, parent := range ancestors(dir) {
		for _, pin := range pins {
			n.files = append(n.files, path.Join(parent, pin))
		}
	}
	return n
}

// visit walks a unit's closure, the nearest first, until stop says so. It
// returns the chain of names that led there.
func visit(from *node, stop func(*node) bool) []string {
	type step struct {
		n    *node
		prev *step
	}
	seen := map[*node]bool{from: true}
	queue := []*step{{n: from}}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if stop(at.n) {
			var chain []string
			for ; at != nil; at = at.prev {
				if len(chain) == 0 || chain[len(chain)-1] != at.n.name {
					chain = append(chain, at.n.name)
				}
			}
			slices.Reverse(chain)
			return chain
		}
		for _, next := range at.n.next {
			if !seen[next] {
				seen[next] = true
				queue = append(queue, &step{next, at})
			}
		}
	}
	return nil
}

// inputs are the files of a unit's closure, sorted.
func (g *graph) inputs(dir string) []string {
	found := map[string]bool{}
	visit(g.unit(dir), func(n *node) bool {
		for _, p := range n.files {
			if _, ok := g.entries[p]; ok {
				found[p] = true
			}
		}
		for _, d := range n.dirs {
			for _, p := range g.children[d] {
				found[p] = true
			}
		}
		trees := n.trees
		if n.anywhere {
			trees = []string{"./"}
		}
		for _, t := range trees {
			for _, p := range g.within(t) {
				found[p] = true
			}
		}
		return false
	})
	list := make([]string, 0, len(found))
	for p := range found {
		list = append(list, p)
	}
	slices.Sort(list)
	return list
}
