package catalog

import (
	"path"
	"slices"
	"strings"
)

// goModule adds what the Go tests of a directory are built with: the files that name
// the versions of what they import, wherever they stand or come to stand, and the
// packages of their module that are no tests. Which of those a test imports is not
// followed: they are few, and a test too many is better than one too little.
func (g *graph) goModule(n *node, dir string) {
	root := ""
	for _, parent := range ancestors(dir) {
		for _, name := range []string{"go.mod", "go.sum", "go.work", "go.work.sum"} {
			n.files = append(n.files, path.Join(parent, name))
		}
		if _, ok := g.entries[path.Join(parent, "go.mod")]; ok {
			root = parent
			break
		}
	}
	if root == "" {
		return
	}
	for _, p := range g.packages(root) {
		n.dirs = append(n.dirs, p)
		n.trees = append(n.trees, slash(path.Join(p, "testdata")))
	}
}

// packages are the directories beneath a Go module that hold more than tests.
func (g *graph) packages(root string) []string {
	if list, ok := g.goPackages[root]; ok {
		return list
	}
	found := map[string]bool{}
	var list []string
	for _, p := range g.within(slash(root)) {
		dir := path.Dir(p)
		if strings.HasSuffix(p, ".go") && !strings.HasSuffix(p, "_test.go") && !found[dir] && !g.nested(root, dir) {
			found[dir], list = true, append(list, dir)
		}
	}
	slices.Sort(list)
	g.goPackages[root] = list
	return list
}

// nested says whether a directory belongs to another Go module beneath a root.
func (g *graph) nested(root, dir string) bool {
	for ; dir != root && dir != "."; dir = path.Dir(dir) {
		if _, ok := g.entries[path.Join(dir, "go.mod")]; ok {
			return true
		}
	}
	return false
}
