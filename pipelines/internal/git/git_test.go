package git

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// repository makes a real one in a temporary directory.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	run(t, dir, "init", "-q", "-b", "main")
	put(t, dir, files)
	commit(t, dir)
	return dir
}

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func commit(t *testing.T, dir string) {
	t.Helper()
	run(t, dir, "add", "--all")
	run(t, dir, "-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "-qm", "x")
}

func run(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
}

func open(t *testing.T, dir string) *Repo {
	t.Helper()
	r, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWorkTreeSeesWhatIsOnDisk(t *testing.T) {
	odd := "a\n\x1b[31m\"ü.tf"
	dir := repository(t, map[string]string{"kept.tf": "1", "edited.tf": "1", "deleted.tf": "1", odd: "1", ".gitignore": "ignored.tf\n"})
	put(t, dir, map[string]string{"edited.tf": "2", "new/untracked.tf": "3", "ignored.tf": "4"})
	if err := os.Remove(filepath.Join(dir, "deleted.tf")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("kept.tf", filepath.Join(dir, "link.tf")); err != nil {
		t.Fatal(err)
	}
	tree, err := open(t, dir).WorkTree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Entry{"kept.tf": {ModeFile, Hash([]byte("1"))}, "edited.tf": {ModeFile, Hash([]byte("2"))},
		odd: {ModeFile, Hash([]byte("1"))}, "new/untracked.tf": {ModeFile, Hash([]byte("3"))}, "link.tf": {ModeSymlink, Hash([]byte("kept.tf"))}} {
		if got := tree.Entries[name]; got != want {
			t.Errorf("%q is %v, want %v", name, got, want)
		}
	}
	if len(tree.Entries) != 6 {
		t.Errorf("%d entries: %v", len(tree.Entries), tree.Entries)
	}
}

func TestSubdirectoryIsItsOwnRoot(t *testing.T) {
	dir := repository(t, map[string]string{"catalog/a/main.tf": "1", "shared/x.json": "2"})
	tree, err := open(t, filepath.Join(dir, "catalog")).Tree(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := tree.Entries["a/main.tf"]; !ok {
		t.Errorf("entries are %v", tree.Entries)
	}
	if _, ok := tree.Entries["../shared/x.json"]; !ok {
		t.Errorf("what lies outside is lost: %v", tree.Entries)
	}
	text, err := fs.ReadFile(tree.FS(), "a/main.tf")
	if err != nil || string(text) != "1" {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := fs.ReadFile(tree.FS(), "../shared/x.json"); err == nil {
		t.Error("the file system leads outside")
	}
}

func TestBasesThatCannotBeFound(t *testing.T) {
	dir := repository(t, map[string]string{"a": "1"})
	put(t, dir, map[string]string{"a": "2"})
	commit(t, dir)
	shallow := filepath.Join(t.TempDir(), "shallow")
	run(t, dir, "clone", "-q", "--depth=1", "file://"+dir, shallow)
	for name, test := range map[string]struct{ dir, base, hint string }{
		"no such ref": {dir, "nowhere", "git fetch origin"},
		"an option":   {dir, "--upload-pack=x", "name a branch"},
		"shallow":     {shallow, "HEAD~1", "fetch-depth: 0"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, test.dir).MergeBase(t.Context(), test.base, "")
			var known *pipelines.Error
			if !errors.Is(err, ErrNoBase) || !errors.As(err, &known) || !strings.Contains(known.Hint, test.hint) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := Open(t.Context(), t.TempDir()); !errors.Is(err, ErrNoRepository) {
		t.Errorf("got %v", err)
	}
}

func TestNothingOfTheRepositoryRuns(t *testing.T) {
	dir := repository(t, map[string]string{"a": "1"})
	marker := filepath.Join(t.TempDir(), "ran")
	script := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntouch "+marker+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "config", "core.fsmonitor", script)
	run(t, dir, "config", "core.pager", script)
	if _, err := open(t, dir).WorkTree(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("git started a program of the repository's configuration")
	}
}
