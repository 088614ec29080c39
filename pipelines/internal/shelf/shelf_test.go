package shelf

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func put(t *testing.T, dir, name string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(name), 0o644)); err != nil {
		t.Error(err)
	}
}

// TestFillOnce: many that need the same, through two shelves on one directory, as
// two processes would have them.
func TestFillOnce(t *testing.T) {
	dir := t.TempDir()
	var fetched, inside atomic.Int32
	var wg sync.WaitGroup
	for range 2 {
		s, err := Open(dir, "*/*")
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			wg.Go(func() {
				_, err := s.Fill(t.Context(), func() (bool, error) {
					_, err := os.Stat(filepath.Join(s.Kept(), "a/1/file"))
					return err == nil, nil
				}, func(into string) error {
					if inside.Add(1) != 1 {
						t.Error("two fetch at the same time")
					}
					defer inside.Add(-1)
					fetched.Add(1)
					put(t, into, "a/1/file")
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if fetched.Load() != 1 {
		t.Errorf("fetched %d times", fetched.Load())
	}
}

func TestFill(t *testing.T) {
	s, err := Open(t.TempDir(), "*/*")
	if err != nil {
		t.Fatal(err)
	}
	missing := func() (bool, error) { return false, nil }
	put(t, s.Kept(), "a/1/first")
	kept, err := s.Fill(t.Context(), missing, func(into string) error {
		put(t, into, "a/1/second") // the first one stays
		put(t, into, "a/2/file")
		put(t, into, "loose")
		return os.Symlink(s.Kept(), filepath.Join(into, "a", "link"))
	})
	if err != nil || kept != 2 {
		t.Errorf("kept %d, %v", kept, err)
	}
	for name, want := range map[string]bool{"a/1/first": true, "a/1/second": false, "a/2/file": true, "loose": false, "a/link": false} {
		if _, err := os.Lstat(filepath.Join(s.Kept(), name)); (err == nil) != want {
			t.Errorf("%s: %v, want there: %v", name, err, want)
		}
	}
	failed := errors.New("no network")
	if _, err := s.Fill(t.Context(), missing, func(into string) error { put(t, into, "b/1/half"); return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(s.Kept(), "b")); err == nil {
		t.Error("half of something was kept")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(s.Kept()), "new-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFillStopsWaiting(t *testing.T) {
	dir := t.TempDir()
	first, _ := Open(dir, "*")
	second, _ := Open(dir, "*")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := first.Fill(t.Context(), func() (bool, error) {
		cancel()
		_, err := second.Fill(ctx, nil, nil)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		return true, nil
	}, nil)
	if err != nil {
		t.Error(err)
	}
}
