package main

import (
	"context"

	"github.com/penstock-dev/penstock/ci/internal/dagger"
)

// byContent makes a directory that depends on its contents alone, and no longer
// on how it came to be: an exec that mounts it is then not run again when a new
// run makes the same. Files are read one by one, so it is for few small ones.
func byContent(ctx context.Context, d *dagger.Directory) (*dagger.Directory, error) {
	paths, err := d.Glob(ctx, "**")
	if err != nil {
		return nil, err
	}
	out := dag.Directory()
	for _, p := range paths {
		if p[len(p)-1] == '/' {
			out = out.WithNewDirectory(p)
			continue
		}
		isDir, err := d.Exists(ctx, p, dagger.DirectoryExistsOpts{ExpectedType: dagger.ExistsTypeDirectoryType})
		if err != nil {
			return nil, err
		}
		if isDir {
			out = out.WithNewDirectory(p)
			continue
		}
		text, err := d.File(p).Contents(ctx)
		if err != nil {
			return nil, err
		}
		out = out.WithNewFile(p, text)
	}
	return out, nil
}
