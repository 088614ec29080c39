package catalog

import (
	"context"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// node is a directory of configuration, or a Terragrunt file, and what it reads.
type node struct {
	// name is how a chain calls it.
	name string
	// dirs matter with the files directly in them, trees with all that is
	// beneath, files by themselves whether they exist or not.
	dirs, trees, files []string
	// next are the nodes that it depends on.
	next []*node
	// anywhere: it may read any file.
	anywhere bool
}

// graph is what one tree holds: which directories there are and what each reads.
type graph struct {
	entries  map[string]git.Entry
	sorted   []string            // the paths of entries
	children map[string][]string // directory -> the files directly in it
	links    map[string]string   // symlink -> target as written
	facts    map[string]facts    // by path
	nodes    map[string]*node
	shared   []string // trees that every unit depends on
	// goPackages are the directories with helpers of tests, by the root of their Go module.
	goPackages map[string][]string
	config     *config.Config
}

// cache keeps facts by blob hash: what did not change is not parsed again.
type cache struct{ sync.Map }

func build(ctx context.Context, t *git.Tree, c *config.Config, known *cache) (*graph, error) {
	g := &graph{entries: t.Entries, children: map[string][]string{}, links: map[string]string{},
		facts: map[string]facts{}, nodes: map[string]*node{}, goPackages: map[string][]string{}, config: c}
	var symlinks, texts []string
	for p, entry := range t.Entries {
		if ignored(p) {
			continue
		}
		g.sorted = append(g.sorted, p)
		g.children[path.Dir(p)] = append(g.children[path.Dir(p)], p)
		switch {
		case entry.Mode == git.ModeSymlink:
			symlinks = append(symlinks, p)
		case entry.Mode != git.ModeSubmodule && scannable(path.Base(p)):
			texts = append(texts, p)
		}
	}
	slices.Sort(g.sorted)
	for _, list := range g.children {
		slices.Sort(list)
	}
	targets, err := t.Read(ctx, symlinks)
	if err != nil {
		return nil, fmt.Errorf("reading symlinks: %w", err)
	}
	for p, target := range targets {
		g.links[p] = string(target)
	}
	if err := g.scan(ctx, t, texts, known); err != nil {
		return nil, err
	}
	for _, dir := range c.Compliance.Policies {
		g.shared = append(g.shared, path.Clean(dir)+"/")
	}
	return g, nil
}

func ignored(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if part == ".terraform" || part == ".terragrunt-cache" || part == ".git" {
			return true
		}
	}
	return false
}

// scan reads the facts of all files, in parallel, each content once.
func (g *graph) scan(ctx context.Context, t *git.Tree, texts []string, known *cache) error {
	var fresh []string
	for _, p := range texts {
		if f, ok := known.Load(path.Base(p) + "\x00" + t.Entries[p].Hash); ok && t.Entries[p].Hash != "" {
			g.facts[p] = f.(facts)
		} else {
			fresh = append(fresh, p)
		}
	}
	contents, err := t.Read(ctx, fresh)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	found := make([]facts, len(fresh))
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(fresh); i += workers {
				found[i] = scan(path.Base(fresh[i]), contents[fresh[i]])
				known.Store(path.Base(fresh[i])+"\x00"+t.Entries[fresh[i]].Hash, found[i])
			}
		})
	}
	wg.Wait()
	for i, p := range fresh {
		g.facts[p] = found[i]
	}
	return nil
}

// resolve follows symlinks in every part of a path. It returns where the path
// leads and the links on the way. A loop leads nowhere, but its links count.
func (g *graph) resolve(p string) (string, []string) {
	var via []string
	for range 40 {
		link := g.firstLink(p)
		if link == "" {
			return p, via
		}
		via = append(via, link)
		if path.IsAbs(g.links[link]) {
			return link, via
		}
		p = path.Join(path.Dir(link), g.links[link], strings.TrimPrefix(p, link))
	}
	return p, via
}

func (g *graph) firstLink(p string) string {
	if len(g.links) == 0 {
		return ""
	}
	for i := 0; i <= len(p); i++ {
		if i == len(p) || p[i] == '/' {
			if _, ok := g.links[p[:i]]; ok {
				return p[:i]
			}
		}
	}
	return ""
}

// within returns the paths beneath a directory prefix that ends with "/"; "./"
// is everything.
func (g *graph) within(tree string) []string { return beneath(g.sorted, tree) }

func beneath(sorted []string, tree string) []string {
	if tree == "./" {
		return sorted
	}
	from, _ := slices.BinarySearch(sorted, tree)
	to := from
	for to < len(sorted) && strings.HasPrefix(sorted[to], tree) {
		to++
	}
	return sorted[from:to]
}

// exists says whether a directory holds anything.
func (g *graph) exists(dir string) bool {
	return len(g.children[dir]) > 0 || len(g.within(dir+"/")) > 0
}
