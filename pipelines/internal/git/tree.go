package git

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // it is Git's hash, not a promise
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
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
	// blobs reads the contents of paths.
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
	answer, err := r.run(ctx, ask.Bytes(), "cat-file", "--batch")
	if err == nil {
		err = failure(answer, []string{"cat-file"})
	}
	if err != nil {
		return nil, err
	}
	out, blobs := answer.Stdout, map[string][]byte{}
	for _, path := range paths {
		head, rest, ok := bytes.Cut(out, []byte{'\n'})
		fields := strings.Fields(string(head))
		if !ok || len(fields) != 3 || fields[1] != "blob" {
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
// not ignored. What did not change since HEAD is read from there, so that a
// sparse checkout is whole.
func (r *Repo) WorkTree(ctx context.Context) (*Tree, error) {
	t, err := r.Tree(ctx, "HEAD")
	if err != nil {
		return nil, err
	}
	args := []string{"status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=none"}
	out, err := r.run(ctx, nil, args...)
	if err == nil {
		err = failure(out, args)
	}
	if err != nil {
		return nil, err
	}
	if bytes.Contains(out.Stderr, []byte("could not open directory")) { // git only warns, but what is in it was not seen
		return nil, fmt.Errorf("reading the working tree: %s", firstLine(out.Stderr))
	}
	status, untracked := map[string]bool{}, map[string]bool{}
	for line := range bytes.SplitSeq(out.Stdout, []byte{0}) {
		if len(line) < 4 {
			continue
		}
		path := strings.TrimSuffix(string(line[3:]), "/")
		untracked[path] = untracked[path] || line[0] == '?'
		// What was taken out of the index and is ignored now stays on disk, but is gone.
		status[path] = status[path] || line[0] != 'D'
	}
	dirty := map[string]bool{}
	for path, there := range status {
		rel := r.rel(path)
		entry, ok, err := r.onDisk(path, t.Entries[rel].Mode == ModeSubmodule || untracked[path])
		switch {
		case err != nil:
			return nil, err
		case ok && there && !r.beyondLink(path):
			t.Entries[rel], dirty[rel] = entry, true
		default:
			delete(t.Entries, rel)
		}
	}
	onDisk := diskBlobs(r.Dir)
	t.blobs = func(ctx context.Context, paths []string) (map[string][]byte, error) {
		edited, same := partition(paths, dirty)
		blobs, err := onDisk(ctx, edited)
		if err != nil || len(same) == 0 {
			return blobs, err
		}
		rest, err := r.cat(ctx, t, same)
		maps.Copy(blobs, rest)
		return blobs, err
	}
	return t, nil
}

func partition(paths []string, in map[string]bool) (yes, no []string) {
	for _, p := range paths {
		if in[p] {
			yes = append(yes, p)
		} else {
			no = append(no, p)
		}
	}
	return yes, no
}

// beyondLink says whether a directory on the way to a path is a link now: the
// path still leads to something, but to nothing of its own.
func (r *Repo) beyondLink(path string) bool {
	for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
		info, err := os.Lstat(filepath.Join(r.Top, dir))
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return true
		}
	}
	return false
}

// onDisk describes a path as it is now; not ok when it is gone. A directory is
// a submodule or a repository within this one, or it took a file's place.
func (r *Repo) onDisk(path string, repository bool) (Entry, bool, error) {
	full := filepath.Join(r.Top, filepath.FromSlash(path))
	info, err := os.Lstat(full)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, err
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(full)
		return Entry{ModeSymlink, Hash([]byte(target))}, true, err
	case info.IsDir():
		// No git runs in there: its configuration is not ours. It is not what it was.
		return Entry{ModeSubmodule, "edited"}, repository, nil
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
