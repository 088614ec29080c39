package live

import (
	"context"
	"maps"

	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// Checkout returns the commit of a working tree, and whether the tree differs from
// it. Where git cannot tell, there is no commit and the tree counts as dirty.
func Checkout(ctx context.Context, dir string) (commit string, dirty bool) {
	repo, err := git.Open(ctx, dir)
	if err != nil {
		return "", true
	}
	commit, err = repo.Resolve(ctx, "HEAD")
	if err != nil {
		return "", true
	}
	clean, err := repo.Tree(ctx, commit)
	if err != nil {
		return commit, true
	}
	now, err := repo.WorkTree(ctx)
	return commit, err != nil || !maps.Equal(clean.Entries, now.Entries)
}
