package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

func newDirectory(t *testing.T) (string, Store) {
	t.Helper()
	dir := t.TempDir()
	s, err := Open(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, s
}

func TestSymbolicLinksLeadNowhere(t *testing.T) {
	dir, s := newDirectory(t)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"file": secret, "dir": outside, "dangling": filepath.Join(outside, "new")} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"file", "dir/secret", "dir/new", "dangling"} {
		if _, _, err := s.Read(t.Context(), name); err == nil || errors.Is(err, ErrNotFound) && name != "dir/new" {
			t.Errorf("read %q: %v", name, err)
		}
		if err := create(t, s, name, "x"); err == nil {
			t.Errorf("created %q", name)
		}
		if err := s.Replace(t.Context(), name, nil, "x"); err == nil {
			t.Errorf("replaced %q", name)
		}
		if err := s.Delete(t.Context(), name, "x"); err == nil {
			t.Errorf("deleted %q", name)
		}
	}
	if _, err := s.List(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("listed: %v", err)
	}
	left, err := os.ReadDir(outside)
	if text, _ := os.ReadFile(secret); err != nil || len(left) != 1 || string(text) != "secret" {
		t.Errorf("outside: %v, %v", left, err)
	}
}

func TestNameIsObjectOrDirectory(t *testing.T) {
	_, s := newDirectory(t)
	for _, name := range []string{"a", "b/c"} {
		if err := create(t, s, name, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a/x", "b"} {
		if err := create(t, s, name, ""); err == nil || errors.Is(err, ErrExists) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A writer that is killed half-way leaves no object, and what it left is swept
// once it is dead, never while it writes.
func TestKilledHalfWay(t *testing.T) {
	dir, s := newDirectory(t)
	c := storetest.StartChild(t, "half", dir)
	c.Line(t)
	work := func() []os.DirEntry {
		left, err := os.ReadDir(filepath.Join(dir, workDir))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range left { // as if it were old
			if err := os.Chtimes(filepath.Join(dir, workDir, entry.Name()), time.Time{}, time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		return left
	}
	if len(work()) != 1 {
		t.Fatal("the child does not write")
	}
	if _, err := Open(t.Context(), dir); err != nil || len(work()) != 1 {
		t.Fatalf("what a living writer writes was swept, or %v", err)
	}
	c.Kill(t)
	if found, err := s.List(t.Context(), ""); err != nil || len(found) != 0 {
		t.Errorf("got %v, %v", found, err)
	}
	if _, _, err := s.Read(t.Context(), "half"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := Open(t.Context(), dir); err != nil || len(work()) != 0 {
		t.Errorf("what a dead writer left was not swept, or %v", err)
	}
	if err := create(t, s, "half", "whole"); err != nil {
		t.Error(err)
	}
}

// A lock that someone holds is waited for, as long as the caller wants to.
func TestWaitingForTheLockEnds(t *testing.T) {
	dir, s := newDirectory(t)
	if err := create(t, s, "x", ""); err != nil {
		t.Fatal(err)
	}
	_, version := read(t, s, "x")
	c := storetest.StartChild(t, "lock", dir)
	c.Line(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Delete(ctx, "x", version); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("under the lock of another process: %v", err)
	}
	c.Kill(t)
	if err := s.Delete(t.Context(), "x", version); err != nil {
		t.Errorf("after that process died: %v", err)
	}
}

// half gives the first half, tells so, and never ends.
type half struct{ given bool }

func (h *half) Seek(int64, int) (int64, error) { return 0, nil }

func (h *half) Read(p []byte) (int, error) {
	if h.given {
		fmt.Println("half")
		select {}
	}
	h.given = true
	return len(p), nil
}

func childHalf(s Store, _ *bufio.Scanner) error {
	go func() { _, _ = io.Copy(io.Discard, os.Stdin) }() // a runtime with nothing to wait for would end
	return s.Create(context.Background(), "half", &half{})
}

func childLock(s Store, in *bufio.Scanner) error {
	_, err := s.(*directory).lock(context.Background())
	fmt.Println("locked")
	in.Scan()
	return err
}
