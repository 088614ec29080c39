package git

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // it is Git's hash, not a promise
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The modes of a tree's entries.
const (
	ModeFile      = "100644"
	ModeExec      = "100755"
	ModeSymlink   = "120000"
	ModeSubmodule = "160000"
)

// Entry is a file, symlink or submodule of a tree.
type Entry struct {
	Mode string
	// Hash is the blob's, the submodule's commit, or "" where nobody needs it.
	Hash string
}

// Tree is a commit or a working tree as files. Paths are slash-separated and
// relative to the directory that the repository was opened with; what lies
// outside of it begins with "../".
type Tree struct {
	Entries map[string]Entry
	// blob reads blobs by path, in the order given; nil for what is gone.
	blobs func(ctx context.Context, paths []string) (map[string][]byte, error)
}

// rel turns a path from the top into one from the directory in question.
func (r *Repo) rel(path string) string {
	if r.Prefix == "." {
		return path
	}
	if rest, ok := strings.CutPrefix(path, r.Prefix+"/"); ok {
		return rest
	}
	rel, err := filepath.Rel("/"+r.Prefix, "/"+path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(rel)
}

// Tree returns the tree of a commit.
func (r *Repo) Tree(ctx context.Context, commit string) (*Tree, error) {
	out, err := r.git(ctx, "ls-tree", "-r", "-z", "--full-tree", commit)
	if err != nil {
		return nil, err
	}
	t := &Tree{Entries: map[string]Entry{}}
	for line := range bytes.SplitSeq(out, []byte{0}) {
		if len(line) == 0 {
			continue
		}
		meta, path, ok := strings.Cut(string(line), "\t")
		fields := strings.Fields(meta)
		if !ok || len(fields) != 3 {
			return nil, fmt.Errorf("reading git ls-tree: %q", line)
		}
		t.Entries[r.rel(path)] = Entry{Mode: fields[0], Hash: fields[2]}
	}
	t.blobs = func(ctx context.Context, paths []string) (map[string][]byte, error) { return r.cat(ctx, t, paths) }
	return t, nil
}

// cat reads blobs in one process.
func (r *Repo) cat(ctx context.Context, t *Tree, paths []string) (map[string][]byte, error) {
	var ask bytes.Buffer
	for _, path := range paths {
		fmt.Fprintln(&ask, t.Entries[path].Hash)
	}
	out, err := r.gitIn(ctx, ask.Bytes(), "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	blobs := map[string][]byte{}
	for _, path := range paths {
		head, rest, ok := bytes.Cut(out, []byte{'\n'})
		fields := strings.Fields(string(head))
		if !ok || len(fields) != 3 {
			return nil, fmt.Errorf("reading %q from git: %s", path, head)
		}
		size, err := strconv.Atoi(fields[2])
		if err != nil || size+1 > len(rest) {
			return nil, fmt.Errorf("reading %q from git: %s", path, head)
		}
		blobs[path], out = rest[:size:size], rest[size+1:]
	}
	return blobs, nil
}

// WorkTree returns what is on disk: tracked files and untracked ones that are
// not ignored.
func (r *Repo) WorkTree(ctx context.Context) (*Tree, error) {
	t, err := r.Tree(ctx, "HEAD")
	if err != nil {
		return nil, err
	}
	out, err := r.git(ctx, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=none")
	if err != nil {
		return nil, err
	}
	for line := range bytes.SplitSeq(out, []byte{0}) {
		if len(line) < 4 {
			continue
		}
		path := string(line[3:])
		entry, ok, err := r.onDisk(ctx, strings.TrimSuffix(path, "/"))
		switch {
		case err != nil:
			return nil, err
		case ok:
			t.Entries[r.rel(strings.TrimSuffix(path, "/"))] = entry
		default:
			delete(t.Entries, r.rel(path))
		}
	}
	t.blobs = diskBlobs(r.Dir)
	return t, nil
}

// onDisk describes a path as it is now; not ok when it is gone.
func (r *Repo) onDisk(ctx context.Context, path string) (Entry, bool, error) {
	full := filepath.Join(r.Top, filepath.FromSlash(path))
	info, err := os.Lstat(full)
	if os.IsNotExist(err) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, err
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(full)
		return Entry{ModeSymlink, Hash([]byte(target))}, true, err
	case info.IsDir(): // a submodule, or a repository within this one
		sub := &Repo{Top: full}
		out, err := sub.git(ctx, "describe", "--always", "--abbrev=40", "--dirty=-dirty", "--exclude=*")
		if err != nil {
			return Entry{ModeSubmodule, "unreadable"}, true, nil
		}
		return Entry{ModeSubmodule, strings.TrimSpace(string(out))}, true, nil
	case !info.Mode().IsRegular():
		return Entry{}, false, nil
	}
	content, err := os.ReadFile(full)
	return Entry{ModeFile, Hash(content)}, true, err
}

// Hash is Git's name of a blob with this content.
func Hash(content []byte) string {
	h := sha1.New() //nolint:gosec // it is Git's hash, not a promise
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}
