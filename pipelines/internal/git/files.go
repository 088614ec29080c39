package git

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
)

// Disk returns a directory without git as a tree: no hashes, and without the
// caches of tools, .git and repositories within it.
func Disk(dir string) (*Tree, error) {
	t := &Tree{Entries: map[string]Entry{}, blobs: diskBlobs(dir)}
	err := filepath.WalkDir(dir, func(full string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if full == dir {
				return nil
			}
			_, nested := os.Lstat(filepath.Join(full, ".git"))
			if d.Name() == ".git" || d.Name() == ".terraform" || d.Name() == ".terragrunt-cache" || nested == nil {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(dir, full)
		if err != nil {
			return err
		}
		mode := ModeFile
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			mode = ModeSymlink
		case !d.Type().IsRegular():
			return nil
		}
		t.Entries[filepath.ToSlash(rel)] = Entry{Mode: mode}
		return nil
	})
	return t, err
}

func diskBlobs(dir string) func(context.Context, []string) (map[string][]byte, error) {
	return func(_ context.Context, paths []string) (map[string][]byte, error) {
		blobs := map[string][]byte{}
		for _, p := range paths {
			full := filepath.Join(dir, filepath.FromSlash(p))
			info, err := os.Lstat(full)
			if err != nil {
				return nil, err
			}
			if info.Mode()&fs.ModeSymlink != 0 {
				target, err := os.Readlink(full)
				if err != nil {
					return nil, err
				}
				blobs[p] = []byte(target)
				continue
			}
			if blobs[p], err = os.ReadFile(full); err != nil {
				return nil, err
			}
		}
		return blobs, nil
	}
}

// InMemory returns a tree of regular files, and of symlinks given by their targets.
func InMemory(files, symlinks map[string]string) *Tree {
	t := &Tree{Entries: map[string]Entry{}}
	for p, content := range files {
		t.Entries[p] = Entry{ModeFile, Hash([]byte(content))}
	}
	for p, target := range symlinks {
		t.Entries[p] = Entry{ModeSymlink, Hash([]byte(target))}
	}
	t.blobs = func(_ context.Context, paths []string) (map[string][]byte, error) {
		blobs := map[string][]byte{}
		for _, p := range paths {
			if target, ok := symlinks[p]; ok {
				blobs[p] = []byte(target)
			} else {
				blobs[p] = []byte(files[p])
			}
		}
		return blobs, nil
	}
	return t
}

// Read returns the contents of files (of a symlink: its target), at once.
func (t *Tree) Read(ctx context.Context, paths []string) (map[string][]byte, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	return t.blobs(ctx, paths)
}
