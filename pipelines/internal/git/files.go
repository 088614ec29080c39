package git

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Disk returns a directory without git as a tree: no hashes, and without
// .terraform, .git and repositories within it.
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
			if d.Name() == ".git" || d.Name() == ".terraform" || nested == nil {
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

// FS returns what of the tree is beneath its directory as a file system. Symlinks
// are left out: what they point to is not part of what was reviewed under that name.
func (t *Tree) FS() fs.FS { return treeFS{t} }

type treeFS struct{ t *Tree }

func (f treeFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if entry, ok := f.t.Entries[name]; ok && (entry.Mode == ModeFile || entry.Mode == ModeExec) {
		blobs, err := f.t.Read(context.Background(), []string{name})
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		content := blobs[name]
		return &file{info{path.Base(name), int64(len(content)), 0o444}, bytes.NewReader(content)}, nil
	}
	list := f.list(name)
	if len(list) == 0 && name != "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &dir{info{path.Base(name), 0, fs.ModeDir | 0o555}, list}, nil
}

func (f treeFS) list(name string) []fs.DirEntry {
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	found := map[string]fs.FileMode{}
	for p, entry := range f.t.Entries {
		rest, ok := strings.CutPrefix(p, prefix)
		if !ok || strings.HasPrefix(rest, "../") {
			continue
		}
		first, _, deeper := strings.Cut(rest, "/")
		switch {
		case deeper:
			found[first] = fs.ModeDir | 0o555
		case entry.Mode == ModeFile || entry.Mode == ModeExec:
			found[first] = 0o444
		}
	}
	var list []fs.DirEntry
	for name, mode := range found {
		list = append(list, fs.FileInfoToDirEntry(info{name, 0, mode}))
	}
	return list
}

type info struct {
	name string
	size int64
	mode fs.FileMode
}

func (i info) Name() string               { return i.name }
func (i info) Size() int64                { return i.size }
func (i info) Mode() fs.FileMode          { return i.mode }
func (i info) ModTime() time.Time         { return time.Time{} }
func (i info) IsDir() bool                { return i.mode.IsDir() }
func (i info) Sys() any                   { return nil }
func (i info) Stat() (fs.FileInfo, error) { return i, nil }
func (i info) Close() error               { return nil }

type file struct {
	info
	*bytes.Reader
}

func (f *file) Size() int64 { return f.info.size }

type dir struct {
	info
	rest []fs.DirEntry
}

func (d *dir) Read([]byte) (int, error) { return 0, errors.New("it is a directory") }

func (d *dir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(d.rest) {
		if n > 0 && len(d.rest) == 0 {
			return nil, io.EOF
		}
		n = len(d.rest)
	}
	list := d.rest[:n]
	d.rest = d.rest[n:]
	return list, nil
}
