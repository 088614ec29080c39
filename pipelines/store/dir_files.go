package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// write brings content to the disk under a name of its own and returns that name
// and what removes it. The file is locked while its writer lives, so that sweep
// can tell what a killed one left.
func (d *directory) write(ctx context.Context, content io.Reader) (name string, done func(), err error) {
	name = workDir + "/" + unique()
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", nil, err
	}
	done = func() {
		_ = d.root.Remove(name)
		_ = f.Close()
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		_, err = io.Copy(f, stopping{ctx, content})
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		done()
		return "", nil, err
	}
	return name, done, nil
}

// stopping is a reader that ends with its context.
type stopping struct {
	ctx  context.Context
	from io.Reader
}

func (s stopping) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.from.Read(p)
}

// sweep removes what killed writers left: old files that nobody holds. One that
// was just made may not be locked yet, so it is left for the next time.
func (d *directory) sweep() error {
	left, err := fs.ReadDir(d.root.FS(), workDir)
	if err != nil {
		return fmt.Errorf("opening the store %q: %w", d.path, err)
	}
	for _, entry := range left {
		name := workDir + "/" + entry.Name()
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		f, err := d.root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = d.root.Remove(name) // another process may have swept it
		}
		_ = f.Close()
	}
	return nil
}

// lock waits for the one lock of the store. Each call opens the file anew: locks
// belong to the open file, and goroutines exclude each other as processes do.
func (d *directory) lock(ctx context.Context) (unlock func(), err error) {
	f, err := d.root.OpenFile(lockFile, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = f.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// makeDir makes a directory and those above it. Whoever puts something into it
// brings it to the disk with sync.
func (d *directory) makeDir(dir string) error {
	if dir == "." {
		return nil
	}
	if info, err := d.root.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := d.makeDir(path.Dir(dir)); err != nil {
		return err
	}
	if err := d.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// sync brings the names of a directory to the disk, and those of the directories
// above it: another process may have made these and not have come so far, and a
// crash must not lose the way to an object.
func (d *directory) sync(dir string) error {
	for ; ; dir = path.Dir(dir) {
		f, err := d.root.Open(dir)
		if err != nil {
			return err
		}
		err = f.Sync()
		_ = f.Close()
		if err != nil || dir == "." {
			return err
		}
	}
}

func sortEntries(found []Entry) {
	slices.SortFunc(found, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
}
