package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// Options say what to select.
type Options struct {
	// Root is the catalog's directory, in a git repository unless All.
	Root string
	// Base is a branch, tag or commit: what changed since the merge base with it is
	// selected. With All it only says what policies and settings count.
	Base string
	// Head is compared with the base. Default: the working tree.
	Head string
	// All selects every unit. Without Base it needs no git.
	All bool
	// Config is penstock.yaml as it stands in Root.
	Config *config.Config
}

// Selected is a selection and where its policies and settings are read.
type Selected struct {
	Selection pipelines.Selection
	// Base is the catalog as on the base; nil without one.
	Base fs.FS
	// Checkout is what was looked at; nil where nobody asked.
	Checkout *Checkout
	// Gone is a directory with the closures of the units that were taken away, where
	// the selection was imported; otherwise Closures writes them.
	Gone string
	tree *git.Tree
}

// Checkout is a working tree. It is kept beside the selection, and not in it: a
// stage that judges files alone need not run again for a commit.
type Checkout struct {
	Commit string `json:"commit"`
	// Dirty: the tree differs from the commit.
	Dirty bool `json:"dirty"`
	// Authors are the e-mail addresses of who wrote or committed what it has beyond the
	// base; nil where nobody knows.
	Authors []string `json:"authors,omitempty"`
}

// Select reads a catalog and selects units of it.
func Select(ctx context.Context, o Options) (Selected, error) {
	if o.Base == "" {
		if !o.All {
			return Selected{}, errors.New("selecting units: there is neither a base nor --all")
		}
		tree, err := git.Disk(o.Root)
		if err != nil {
			return Selected{}, fmt.Errorf("reading the catalog: %w", err)
		}
		s, err := All(ctx, tree, o.Config)
		return Selected{Selection: s}, err
	}
	repo, err := git.Open(ctx, o.Root)
	if err != nil {
		return Selected{}, err
	}
	base, err := repo.MergeBase(ctx, o.Base, o.Head)
	if err != nil {
		return Selected{}, err
	}
	before, err := repo.Tree(ctx, base)
	if err != nil {
		return Selected{}, err
	}
	after, headConfig, head, err := o.head(ctx, repo)
	if err != nil {
		return Selected{}, err
	}
	baseConfig, err := config.Load(before.FS())
	if err != nil {
		return Selected{}, &pipelines.Error{Err: fmt.Errorf("reading the base %.12s: %w", base, err), Hint: "mend it on the base first"}
	}
	var s pipelines.Selection
	if o.All {
		s, err = All(ctx, after, headConfig)
	} else {
		s, err = Changed(ctx, before, after, baseConfig, headConfig)
	}
	s.Base, s.Head = base, head
	s.Notices = append(s.Notices, config.Changes(baseConfig, headConfig)...)
	s.Notices = append(s.Notices, policies(before, after, baseConfig)...)
	return Selected{Selection: s, Base: before.FS(), tree: before}, err
}

// policies names the policies that a change edits.
func policies(before, after *git.Tree, c *config.Config) []pipelines.Notice {
	edited := diff(before.Entries, after.Entries).sorted
	var notices []pipelines.Notice
	for _, dir := range c.Compliance.Policies {
		for _, p := range beneath(edited, path.Clean(dir)+"/") {
			notices = append(notices, pipelines.Notice{Path: p, Message: "this change edits a policy; it counts once it is on the base"})
		}
	}
	return notices
}

// head is the other end of the change: a commit, or the working tree.
func (o Options) head(ctx context.Context, repo *git.Repo) (*git.Tree, *config.Config, string, error) {
	if o.Head == "" {
		tree, err := repo.WorkTree(ctx)
		return tree, o.Config, "", err
	}
	commit, err := repo.Resolve(ctx, o.Head)
	if err != nil {
		return nil, nil, "", err
	}
	tree, err := repo.Tree(ctx, commit)
	if err != nil {
		return nil, nil, "", err
	}
	c, err := config.Load(tree.FS())
	return tree, c, commit, err
}

// kept says which files of the base a stage may need to read there: what it
// judges by, and comments that waive.
func kept(p string, content []byte, policies []string) bool {
	if p == config.File || strings.HasSuffix("/"+p, "/.tflint.hcl") {
		return true
	}
	for _, dir := range policies {
		if strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/") {
			return true
		}
	}
	return strings.Contains(string(content), "penstock:waive")
}
