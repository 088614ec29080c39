package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// directory keeps each object as one file. A file is written elsewhere in the
// directory, brought to the disk and then linked or renamed to its name, so that
// nothing half is ever under a name; what is under a name is never written to.
// Comparing and swapping is one at a time, by a lock on a file, which the system
// gives back when its holder dies.
type directory struct {
	path string
	// root keeps symbolic links from leading out of the directory.
	root *os.Root
}

const (
	lockFile = own + "/lock"
	workDir  = own + "/new"
)

func openDirectory(dir string) (Store, error) {
	if dir == "" {
		return nil, unusable(dir, "it is empty")
	}
	abs, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(abs, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the store %q: %w", dir, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("opening the store %q: %w", dir, err)
	}
	d := &directory{path: abs, root: root}
	if err := d.makeDir(workDir); err != nil {
		return nil, fmt.Errorf("opening the store %q: %w", dir, err)
	}
	if err := d.sweep(); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *directory) String() string   { return d.path }
func (d *directory) Exclusive() error { return nil }

// Create links a whole file to the name, which fails where the name is taken.
func (d *directory) Create(ctx context.Context, name string, content io.ReadSeeker) error {
	if err := CheckName(name); err != nil {
		return err
	}
	return doing("creating", name, d, d.create(ctx, name, content))
}

func (d *directory) create(ctx context.Context, name string, content io.ReadSeeker) error {
	if info, err := d.root.Lstat(name); err == nil && info.IsDir() {
		return errors.New("other names begin with it: in a directory it cannot be both")
	} else if err == nil {
		return ErrExists // before its content is written for nothing
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return err
	}
	written, done, err := d.write(ctx, content)
	if err != nil {
		return err
	}
	defer done()
	if err := d.makeDir(path.Dir(name)); err != nil {
		return err
	}
	if err := d.root.Link(written, name); errors.Is(err, fs.ErrExist) {
		return ErrExists
	} else if err != nil {
		return err
	}
	return d.sync(path.Dir(name))
}

// Read hashes the file first: it is never written to once it has its name, so
// what is then read from the open file is what was hashed.
func (d *directory) Read(_ context.Context, name string) (io.ReadCloser, Version, error) {
	if err := CheckName(name); err != nil {
		return nil, "", err
	}
	f, version, err := d.open(name)
	if err != nil {
		return nil, "", doing("reading", name, d, err)
	}
	return f, version, nil
}

func (d *directory) open(name string) (*os.File, Version, error) {
	info, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, "", ErrNotFound
	}
	if err == nil && info.IsDir() {
		return nil, "", ErrNotFound // a name that others begin with is no object
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		return nil, "", err
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", ErrNotFound
	}
	if err != nil {
		return nil, "", err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, "", err
	}
	return f, Version(hex.EncodeToString(sum.Sum(nil))), nil
}

// Replace renames a whole file over the name, under the lock.
func (d *directory) Replace(ctx context.Context, name string, content []byte, old Version) error {
	if err := CheckName(name); err != nil {
		return err
	}
	written, done, err := d.write(ctx, strings.NewReader(string(content)))
	if err == nil {
		defer done()
		err = d.swap(ctx, name, old, func() error { return d.root.Rename(written, name) })
	}
	return doing("replacing", name, d, err)
}

// Delete removes the file, under the lock.
func (d *directory) Delete(ctx context.Context, name string, old Version) error {
	if err := CheckName(name); err != nil {
		return err
	}
	return doing("deleting", name, d, d.swap(ctx, name, old, func() error { return d.root.Remove(name) }))
}

// swap changes the name if it still holds the old version. Create needs no lock:
// it only ever succeeds where there is nothing.
func (d *directory) swap(ctx context.Context, name string, old Version, change func() error) error {
	unlock, err := d.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	f, now, err := d.open(name)
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: it is gone", ErrChanged)
	}
	if err != nil {
		return err
	}
	f.Close()
	if now != old {
		return ErrChanged
	}
	if err := change(); err != nil {
		return err
	}
	return d.sync(path.Dir(name))
}

// List walks the directory. A file that the store cannot have made is an error:
// left out, it could hide what was there in its place.
func (d *directory) List(ctx context.Context, prefix string) ([]Entry, error) {
	start := "."
	if cut := strings.LastIndex(prefix, "/"); cut > 0 {
		start = path.Clean(prefix[:cut])
		if err := CheckName(start); err != nil {
			return nil, err
		}
	}
	var found []Entry
	err := fs.WalkDir(d.root.FS(), start, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone since, or nothing begins with the prefix
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case name == own:
			return fs.SkipDir
		case entry.IsDir() || !strings.HasPrefix(name, prefix):
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%q is not a regular file", name)
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		found = append(found, Entry{Name: name, Size: info.Size(), Modified: info.ModTime()})
		return nil
	})
	if err != nil {
		return nil, doing("listing", prefix, d, err)
	}
	sortEntries(found)
	return found, nil
}

// Now writes a file and looks at its time: on a network file system that is the
// clock of the server, as it is for the objects.
func (d *directory) Now(ctx context.Context) (time.Time, error) {
	name, done, err := d.write(ctx, strings.NewReader("now"))
	if err != nil {
		return time.Time{}, fmt.Errorf("asking %s for its time: %w", d, err)
	}
	defer done()
	info, err := d.root.Stat(name)
	if err != nil {
		return time.Time{}, fmt.Errorf("asking %s for its time: %w", d, err)
	}
	return info.ModTime(), nil
}

// unique is a name that no other writer has.
func unique() string { return rand.Text() }
