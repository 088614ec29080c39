package image

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/git"
	"github.com/penstock-dev/penstock/pipelines/live"
)

// LabelsOf reads the labels that a checkout tells: its commit, when that was made, and
// where it comes from. SOURCE_DATE_EPOCH outranks the time of the commit. What a
// directory without git cannot tell stays empty.
func LabelsOf(ctx context.Context, dir string) (Labels, error) {
	var l Labels
	if repo, err := git.Open(ctx, dir); err == nil {
		if commit, dirty := live.Checkout(ctx, repo.Top); commit != "" {
			if l.Created, err = repo.Made(ctx, commit); err != nil {
				return l, err
			}
			if l.Revision = commit; dirty {
				l.Revision += "-dirty"
			}
		}
		l.Source = PlainURL(repo.Origin(ctx))
	}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return l, err
		}
		l.Created = time.Unix(seconds, 0).UTC()
	}
	return l, nil
}
