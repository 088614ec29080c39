package git

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
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

// diskBlobs reads files as they are now, side by side.
func diskBlobs(dir string) func(context.Context, []string) (map[string][]byte, error) {
	return func(_ context.Context, paths []string) (map[string][]byte, error) {
		contents, errs := make([][]byte, len(paths)), make([]error, len(paths))
		var wg sync.WaitGroup
		workers := runtime.GOMAXPROCS(0)
		for w := range workers {
			wg.Go(func() {
				for i := w; i < len(paths); i += workers {
					contents[i], errs[i] = readDisk(filepath.Join(dir, filepath.FromSlash(paths[i])))
				}
			})
		}
		wg.Wait()
		blobs := make(map[string][]byte, len(paths))
		for i, p := range paths {
			if errs[i] != nil {
				return nil, errs[i]
			}
			blobs[p] = contents[i]
		}
		return blobs, nil
	}
}

// readDisk reads a file, or where a link leads.
func readDisk(full string) ([]byte, error) {
	info, err := os.Lstat(full)
	if err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(full)
		return []byte(target), err
	}
	// With the flag the runtime need not turn it on and off again: half of the calls.
	f, err := os.OpenFile(full, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content := make([]byte, info.Size()+1)
	n, err := io.ReadFull(f, content)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return content[:n:n], nil
	case err == nil: // it grew
		rest, err := io.ReadAll(f)
		return append(content, rest...), err
	}
	return nil, err
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
