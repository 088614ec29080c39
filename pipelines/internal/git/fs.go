package git

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"
)

// FS returns what of the tree is beneath its directory as a file system. Symlinks
// are left out: what they point to is not part of what was reviewed under that name.
func (t *Tree) FS() fs.FS { return &treeFS{tree: t, kept: map[string][]byte{}} }

type treeFS struct {
	tree  *Tree
	once  sync.Once
	lists map[string][]fs.DirEntry // by directory

	mu   sync.Mutex
	kept map[string][]byte // by path
}

func (f *treeFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if regular(f.tree.Entries[name]) {
		content, err := f.content(name)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return &file{info{path.Base(name), int64(len(content)), 0o444}, bytes.NewReader(content)}, nil
	}
	f.once.Do(f.list)
	list, ok := f.lists[name]
	if !ok && name != "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &dir{info{path.Base(name), 0, fs.ModeDir | 0o555}, list}, nil
}

func regular(e Entry) bool { return e.Mode == ModeFile || e.Mode == ModeExec }

// content reads a file. Who opens one policy or configuration file soon opens
// the others, so they are read at once: a process for each would take minutes.
func (f *treeFS) content(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if content, ok := f.kept[name]; ok {
		return content, nil
	}
	paths := []string{name}
	if kind := kindOf(name); kind != "" {
		paths = nil
		for p, entry := range f.tree.Entries {
			if regular(entry) && kindOf(p) == kind && !strings.HasPrefix(p, "../") {
				paths = append(paths, p)
			}
		}
	}
	blobs, err := f.tree.Read(context.Background(), paths)
	if err != nil {
		return nil, err
	}
	for p, content := range blobs {
		f.kept[p] = content
	}
	return f.kept[name], nil
}

// kindOf is the kind of file of which one is seldom read alone.
func kindOf(name string) string {
	for _, kind := range []string{".tf", ".tofu", ".tf.json", ".tofu.json", ".rego"} {
		if strings.HasSuffix(name, kind) {
			return kind
		}
	}
	return ""
}

// list makes the directories of the tree.
func (f *treeFS) list() {
	f.lists = map[string][]fs.DirEntry{}
	seen := map[string]bool{}
	for p, entry := range f.tree.Entries {
		if !regular(entry) || strings.HasPrefix(p, "../") {
			continue
		}
		for mode := fs.FileMode(0o444); p != "." && !seen[p]; mode = fs.ModeDir | 0o555 {
			seen[p] = true
			parent := path.Dir(p)
			f.lists[parent] = append(f.lists[parent], fs.FileInfoToDirEntry(info{path.Base(p), 0, mode}))
			p = parent
		}
	}
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
