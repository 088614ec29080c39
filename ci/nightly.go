package main

import (
	"context"
	"path"
	"slices"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
)

// NightlyJoin joins the reports of all shards of a night, and fails closed where a
// shard or a case is missing.
//
// Example: dagger call --source=. nightly-join --reports=shards assert
func (p *Penstock) NightlyJoin(
	ctx context.Context,
	// A directory with a directory for each shard, as nightly exports it.
	reports *dagger.Directory,
) (*Run, error) {
	found, err := reports.Glob(ctx, "**/report.json")
	if err != nil {
		return nil, err
	}
	slices.Sort(found)
	args := []string{"penstock", "nightly", "join", "--out", "/report"}
	for _, file := range found {
		args = append(args, path.Join("/shards", file))
	}
	c := p.bare("golang").WithMountedDirectory("/shards", reports).
		WithExec(args, dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny})
	c, err = ran(ctx, "nightly join", "/report/report.json", c)
	if err != nil {
		return nil, err
	}
	return &Run{Dir: c.Directory("/report"), Module: p}, nil
}
