// Package shelf keeps what tools fetch from a network, such as providers and
// plugins, for runs side by side: what lies on the shelf is whole and is only
// ever read. What is missing is fetched by one at a time, elsewhere, and put on
// the shelf in one step.
package shelf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Shelf is a directory of things that were fetched.
type Shelf struct {
	dir string
	// things is the pattern of what is moved as a whole, slash-separated: "*/*".
	things string
	// one fetches at a time; across processes a lock on a file says so.
	one sync.Mutex
}

// Open opens the shelf in a directory of its own, which is made if need be.
func Open(dir, things string) (*Shelf, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(filepath.Join(dir, "kept"), 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the cache: %w", err)
	}
	return &Shelf{dir: dir, things: things}, nil
}

// Kept is the directory to read from.
func (s *Shelf) Kept() string { return filepath.Join(s.dir, "kept") }

// Fill waits for its turn. If there is nothing to fetch by then it is done;
// otherwise fetch writes into an empty directory of the same layout as Kept, and
// what is found there is kept. It returns how many things that were.
func (s *Shelf) Fill(ctx context.Context, there func() (bool, error), fetch func(into string) error) (int, error) {
	s.one.Lock()
	defer s.one.Unlock()
	lock, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return 0, fmt.Errorf("locking the cache: %w", err)
	}
	defer lock.Close()
	if err := wait(ctx, lock); err != nil {
		return 0, fmt.Errorf("locking the cache: %w", err)
	}
	if done, err := there(); done || err != nil {
		return 0, err
	}
	into, err := os.MkdirTemp(s.dir, "new-")
	if err != nil {
		return 0, fmt.Errorf("making a place in the cache: %w", err)
	}
	defer os.RemoveAll(into)
	if err := fetch(into); err != nil {
		return 0, err
	}
	return s.keep(into)
}

// keep moves every thing that was fetched. Links are passed over: they lead to
// what was kept before.
func (s *Shelf) keep(from string) (kept int, err error) {
	found, err := fs.Glob(os.DirFS(from), s.things)
	if err != nil {
		return 0, err
	}
	for _, name := range found {
		if info, err := os.Lstat(filepath.Join(from, name)); err != nil || !info.IsDir() {
			continue
		}
		to := filepath.Join(s.Kept(), name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return kept, fmt.Errorf("keeping %q: %w", name, err)
		}
		err := os.Rename(filepath.Join(from, name), to)
		if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) { // it is there already
			return kept, fmt.Errorf("keeping %q: %w", name, err)
		}
		kept++
	}
	return kept, nil
}

// wait takes the lock on a file; it is given back when the file is closed, and by
// the system when the process dies.
func wait(ctx context.Context, f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
