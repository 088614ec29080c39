package release

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// snapshot is a catalog as one commit has it: its files, and the text of those that
// configure. No checkout takes part.
type snapshot struct {
	commit   string
	tree     *git.Tree
	children map[string][]string // directory -> files directly in it, sorted
	links    map[string]string   // symlink -> target as written
	texts    map[string][]byte   // configuration files
	tofu     bool                // some file is for OpenTofu alone
}

// dialect is whose reading of a directory is meant.
type dialect int

const (
	terraform dialect = iota
	openTofu
)

func newSnapshot(ctx context.Context, commit string, tree *git.Tree) (*snapshot, error) {
	s := &snapshot{commit: commit, tree: tree, children: map[string][]string{}, links: map[string]string{}}
	var symlinks, texts []string
	for p, entry := range tree.Entries {
		s.children[path.Dir(p)] = append(s.children[path.Dir(p)], p)
		switch {
		case entry.Mode == git.ModeSymlink:
			symlinks = append(symlinks, p)
		case entry.Mode != git.ModeSubmodule && configures(p):
			texts = append(texts, p)
			s.tofu = s.tofu || strings.HasSuffix(strings.TrimSuffix(p, ".json"), ".tofu")
		}
	}
	for _, list := range s.children {
		slices.Sort(list)
	}
	targets, err := tree.Read(ctx, symlinks)
	if err != nil {
		return nil, fmt.Errorf("reading symlinks: %w", err)
	}
	for p, target := range targets {
		s.links[p] = string(target)
		s.tofu = s.tofu || strings.HasSuffix(strings.TrimSuffix(p, ".json"), ".tofu")
	}
	if s.texts, err = tree.Read(ctx, texts); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return s, nil
}

// configures says whether Terraform or OpenTofu reads a file as configuration: editors'
// backups and hidden files they leave out.
func configures(p string) bool {
	name := path.Base(p)
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") {
		return false
	}
	name = strings.TrimSuffix(name, ".json")
	return strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tofu")
}

// resolve follows symlinks in every part of a path, within the tree alone.
func (s *snapshot) resolve(p string) (string, error) {
	p = path.Clean(p)
	for range 40 {
		link := ""
		for i := 0; i <= len(p) && len(s.links) > 0; i++ {
			if i == len(p) || p[i] == '/' {
				if _, ok := s.links[p[:i]]; ok {
					link = p[:i]
					break
				}
			}
		}
		if link == "" {
			return p, nil
		}
		if path.IsAbs(s.links[link]) {
			return "", fmt.Errorf("the link %q leads out of the repository", link)
		}
		p = path.Join(path.Dir(link), s.links[link], strings.TrimPrefix(p, link))
	}
	return "", fmt.Errorf("the links at %q lead in a circle", p)
}

// files are those that a dialect reads of a directory: overrides last.
func (s *snapshot) files(dir string, d dialect) []string {
	there := map[string]bool{}
	for _, p := range s.children[dir] {
		there[path.Base(p)] = true
	}
	var names, overrides []string
	for _, p := range s.children[dir] {
		name := path.Base(p)
		base, json := strings.CutSuffix(name, ".json")
		stem, tofu := strings.CutSuffix(base, ".tofu")
		if !tofu {
			stem = strings.TrimSuffix(base, ".tf")
		}
		twin := stem + ".tofu"
		if json {
			twin += ".json"
		}
		switch {
		case !configures(p), tofu && d == terraform, !tofu && d == openTofu && there[twin]:
		case stem == "override" || strings.HasSuffix(stem, "_override"):
			overrides = append(overrides, p)
		default:
			names = append(names, p)
		}
	}
	return append(names, overrides...)
}

func override(p string) bool {
	base := strings.TrimSuffix(path.Base(p), ".json")
	stem := strings.TrimSuffix(strings.TrimSuffix(base, ".tofu"), ".tf")
	return stem == "override" || strings.HasSuffix(stem, "_override")
}

// text is what a configuration file holds, behind whatever links.
func (s *snapshot) text(p string) ([]byte, error) {
	target, err := s.resolve(p)
	if err != nil {
		return nil, unreadable(pipelines.Position{Path: p}, "%w", err)
	}
	if text, ok := s.texts[target]; ok {
		return text, nil
	}
	entry, ok := s.tree.Entries[target]
	if !ok || entry.Mode == git.ModeSubmodule {
		return nil, unreadable(pipelines.Position{Path: p}, "it leads to %q, which is no file of this repository", target)
	}
	blobs, err := s.tree.Read(context.Background(), []string{target}) // a link to a file of another name
	return blobs[target], err
}
