package git

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Made returns when a commit was committed.
func (r *Repo) Made(ctx context.Context, commit string) (time.Time, error) {
	out, err := r.git(ctx, "show", "--no-patch", "--no-show-signature", "--format=%cI", "--end-of-options", commit)
	if err != nil {
		return time.Time{}, err
	}
	made, err := time.Parse(time.RFC3339, strings.TrimSpace(string(out)))
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the time of the commit %q: %w", commit, err)
	}
	return made.UTC(), nil
}

// Origin returns the URL of the remote origin as it is configured, which may hold a
// token, or "" where there is none.
func (r *Repo) Origin(ctx context.Context) string {
	out, err := r.run(ctx, nil, "config", "--get", "remote.origin.url")
	if err != nil || out.Exit != 0 {
		return ""
	}
	return strings.TrimSpace(string(out.Stdout))
}
