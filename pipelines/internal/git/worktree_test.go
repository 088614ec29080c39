package git

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// What git no longer tracks and would not add is gone, though it lies there.
func TestAFileTakenOutOfTheIndexAndIgnoredIsGone(t *testing.T) {
	dir := repository(t, map[string]string{"kept.tf": "1", "secret.tf": "1"})
	put(t, dir, map[string]string{".gitignore": "secret.tf\n"})
	run(t, dir, "rm", "-q", "--cached", "secret.tf")
	if entries := worktree(t, dir).Entries; entries["secret.tf"] != (Entry{}) || entries["kept.tf"] == (Entry{}) {
		t.Errorf("entries are %v", entries)
	}
}

// A link that took a directory's place leads to files, but they are not its own.
func TestALinkInPlaceOfADirectory(t *testing.T) {
	dir := repository(t, map[string]string{"a/main.tf": "1", "b/main.tf": "1"})
	if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("b", filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	entries := worktree(t, dir).Entries
	if _, there := entries["a/main.tf"]; there || entries["a"].Mode != ModeSymlink || entries["b/main.tf"].Mode != ModeFile {
		t.Errorf("entries are %v", entries)
	}
}

// What a sparse checkout leaves out is part of the tree, and can be read.
func TestASparseCheckoutIsWhole(t *testing.T) {
	dir := repository(t, map[string]string{"a/main.tf": "1", "b/main.tf": "2"})
	run(t, dir, "sparse-checkout", "set", "a")
	if _, err := os.Stat(filepath.Join(dir, "b")); err == nil {
		t.Fatal("the checkout is not sparse")
	}
	put(t, dir, map[string]string{"a/main.tf": "3"})
	tree := worktree(t, dir)
	for name, want := range map[string]string{"a/main.tf": "3", "b/main.tf": "2"} {
		if text, err := fs.ReadFile(tree.FS(), name); err != nil || string(text) != want {
			t.Errorf("%s is %q (%v), want %q", name, text, err, want)
		}
	}
}

func TestADirectoryInPlaceOfAFile(t *testing.T) {
	dir := repository(t, map[string]string{"a": "1"})
	if err := os.Remove(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	put(t, dir, map[string]string{"a/main.tf": "2"})
	entries := worktree(t, dir).Entries
	if _, there := entries["a"]; there || entries["a/main.tf"].Mode != ModeFile {
		t.Errorf("entries are %v", entries)
	}
}

func worktree(t *testing.T, dir string) *Tree {
	t.Helper()
	tree, err := open(t, dir).WorkTree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
