package git

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// When is the time of a commit, in UTC, as its committer's clock said.
func (r *Repo) When(ctx context.Context, commit string) (time.Time, error) {
	out, err := r.git(ctx, "show", "--no-patch", "--no-show-signature", "--format=%ct", "--end-of-options", commit)
	if err != nil {
		return time.Time{}, err
	}
	since, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the time of the commit %s: %w", commit, err)
	}
	return time.Unix(since, 0).UTC(), nil
}
