package catalog

import (
	"path"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// dir returns the node of a directory of configuration.
func (g *graph) dir(dir string) *node {
	dir, via := g.resolve(dir)
	if n, ok := g.nodes[dir]; ok && len(via) == 0 {
		return n
	}
	if len(via) > 0 { // reached through a link, whose target counts too
		n := &node{name: dir, files: via}
		n.next = []*node{g.dir(dir)}
		return n
	}
	n := &node{name: dir, dirs: []string{dir}}
	g.nodes[dir] = n
	for _, p := range g.children[dir] {
		g.file(n, p, dir)
	}
	tests := path.Join(dir, "tests")
	for _, p := range g.children[tests] {
		if isTest(p) {
			n.files = append(n.files, p)
			g.refer(n, g.facts[p].refs, dir)
		}
	}
	if slices.ContainsFunc(g.children[dir], func(p string) bool { return strings.HasSuffix(p, "_test.go") }) {
		n.trees = append(n.trees, slash(dir)) // its helpers and fixtures
		g.goModule(n, dir)
	}
	return n
}

func isTest(p string) bool {
	return strings.HasSuffix(p, ".tftest.hcl") || strings.HasSuffix(p, ".tofutest.hcl")
}

// file adds what one file of a directory reads; a link counts as what it leads to.
func (g *graph) file(n *node, p, dir string) {
	if g.entries[p].Mode == git.ModeSymlink {
		target, via := g.resolve(p)
		n.files = append(append(n.files, via...), target)
		if _, isFile := g.entries[target]; !isFile {
			n.trees = append(n.trees, slash(target))
		}
		p = target
	}
	g.refer(n, g.facts[p].refs, dir)
}

func slash(dir string) string { return strings.TrimSuffix(dir, "/") + "/" }

// refer adds references, as they read from a directory.
func (g *graph) refer(n *node, refs []ref, dir string) {
	for _, r := range refs {
		switch {
		case r.what == anywhere:
			n.anywhere = true
		case r.what == above:
			for _, parent := range ancestors(dir)[1:] {
				g.config1(n, path.Join(parent, r.path))
			}
		case path.IsAbs(r.path): // not of this repository
		case r.fromRoot:
			g.fromRoot(n, r, dir)
		default:
			g.add(n, r.what, path.Join(dir, r.path))
		}
	}
}

func (g *graph) add(n *node, what what, p string) {
	switch what {
	case aUnit:
		n.next = append(n.next, g.dir(p))
	case aConfig:
		g.config1(n, p)
	case aTree:
		target, via := g.resolve(p)
		n.files = append(n.files, via...)
		n.trees = append(n.trees, slash(target))
		for _, inside := range g.within(slash(target)) {
			if g.entries[inside].Mode == git.ModeSymlink {
				g.file(n, inside, path.Dir(inside))
			}
		}
	case aFile:
		target, via := g.resolve(p)
		n.files = append(append(n.files, via...), target)
	}
}

// fromRoot adds a path whose starting point the text does not tell: it counts
// from wherever it leads to something, and as a file that may come to be.
func (g *graph) fromRoot(n *node, r ref, dir string) {
	starts := ancestors(dir)
	if strings.HasPrefix(r.path, ".") {
		starts = starts[:1]
		if r.what != aUnit { // path.root: any caller's directory
			n.anywhere = true
			return
		}
	}
	for _, start := range starts {
		p, via := g.resolve(path.Join(start, r.path))
		n.files = append(n.files, via...)
		switch {
		case r.what == aTree:
			n.trees = append(n.trees, slash(p))
		case slices.ContainsFunc(g.children[p], g.configures):
			n.next = append(n.next, g.dir(p))
		case g.exists(p) && p != dir && !strings.HasPrefix(dir+"/", p+"/") && p != ".":
			n.trees = append(n.trees, slash(p))
		default:
			n.files = append(n.files, p)
		}
	}
}

// config1 adds a Terragrunt file and what it refers to.
func (g *graph) config1(n *node, p string) {
	target, via := g.resolve(p)
	n.files = append(n.files, via...)
	key := "file:" + target
	c, ok := g.nodes[key]
	if !ok {
		c = &node{name: target, files: []string{target}}
		g.nodes[key] = c
		g.refer(c, g.facts[target].refs, path.Dir(target))
	}
	n.next = append(n.next, c)
}

// configures says whether a file makes its directory one of configuration.
func (g *graph) configures(p string) bool {
	return configuration(path.Base(p)) || path.Base(p) == "terragrunt.hcl" || strings.HasSuffix(p, "_test.go")
}

// ancestors are a directory and its parents, up to the root and beyond it.
func ancestors(dir string) []string {
	list := []string{dir}
	for dir != "." && path.Base(dir) != ".." {
		dir = path.Dir(dir)
		list = append(list, dir)
	}
	return list
}
