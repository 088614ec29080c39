package terraform

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/dirhash"
)

// find returns where the mirror or the cache has the package of a locked provider:
// a directory, or a zip as terraform providers mirror leaves it.
func (v *verified) find(l locked) (string, error) {
	mirror := v.store.readOnly().mirrors[0]
	base := filepath.Join(mirror, filepath.FromSlash(l.Address))
	for _, name := range []string{filepath.Join(base, l.Version, platform), filepath.Join(base, zipName(l, l.Version))} {
		if _, err := os.Stat(name); err == nil {
			return name, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("looking for the provider %s: %w", l.Address, err)
		}
	}
	has := "nothing of it"
	if versions := versionsIn(base, l); len(versions) > 0 {
		has = strings.Join(versions, ", ")
	}
	return "", unverified("add the locked version to the mirror: terraform providers mirror DIR, in the unit",
		"the lock file names %s %s, the mirror has %s for %s", l.Address, l.Version, has, platform)
}

func zipName(l locked, version string) string {
	return "terraform-provider-" + typeOf(l.Address) + "_" + version + "_" + platform + ".zip"
}

// versionsIn lists the versions of a provider in a mirror, to say what there is.
func versionsIn(base string, l locked) (found []string) {
	entries, _ := os.ReadDir(base) // none, where there is nothing
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(base, e.Name(), platform)); err == nil {
			found = append(found, e.Name())
		}
		before, after, _ := strings.Cut(zipName(l, "\n"), "\n")
		if version, ok := strings.CutPrefix(e.Name(), before); ok && strings.HasSuffix(version, after) {
			found = append(found, strings.TrimSuffix(version, after))
		}
	}
	return found
}

// maxPackage bounds a package, in bytes.
const maxPackage = 8 << 30

// copyPackage copies a package to a directory that must not exist, hashes what it
// writes, and takes the right to write away. The hash is the h1 of a lock file.
func copyPackage(from, to string) (h1 string, was []seenFile, err error) {
	if err := os.Mkdir(to, 0o700); err != nil {
		return "", nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(to))
		}
	}()
	target, err := os.OpenRoot(to)
	if err != nil {
		return "", nil, err
	}
	defer target.Close()
	source, err := openPackage(from)
	if err != nil {
		return "", nil, err
	}
	defer source.Close()
	names, err := filesIn(source)
	if err != nil {
		return "", nil, err
	}
	left := int64(maxPackage)
	var closing error // Hash1 does not look at the error of Close
	h1, err = dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		return copying(source, target, name, &left, &closing)
	})
	if err = errors.Join(err, closing); err != nil {
		return "", nil, err
	}
	err = filepath.WalkDir(to, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(name, 0o500)
		}
		return err
	})
	if err == nil {
		was, err = seenFiles(to)
	}
	return h1, was, err
}

// packageFiles is a package, in a directory or in a zip.
type packageFiles interface {
	fs.FS
	io.Closer
}

type dirPackage struct {
	fs.FS
	io.Closer
}

func openPackage(from string) (packageFiles, error) {
	if info, err := os.Stat(from); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return zip.OpenReader(from)
	}
	root, err := os.OpenRoot(from)
	if err != nil {
		return nil, err
	}
	return dirPackage{root.FS(), root}, nil
}

func filesIn(source fs.FS) (names []string, err error) {
	err = fs.WalkDir(source, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case !d.Type().IsRegular():
			return fmt.Errorf("%q is not a regular file", name)
		}
		names = append(names, name)
		return nil
	})
	return names, err
}

// copying reads a file of a package and writes what is read to target.
func copying(source fs.FS, target *os.Root, name string, left *int64, closing *error) (io.ReadCloser, error) {
	in, err := source.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := in.Stat()
	if err == nil {
		if *left -= info.Size(); *left < 0 {
			err = fmt.Errorf("it has more than %d bytes", int64(maxPackage))
		} else {
			err = target.MkdirAll(path.Dir(name), 0o700)
		}
	}
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	out, err := target.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o400|info.Mode().Perm()&0o100)
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return &copied{Reader: io.TeeReader(io.LimitReader(in, info.Size()), out), in: in, out: out, err: closing}, nil
}

type copied struct {
	io.Reader
	in  fs.File
	out *os.File
	err *error
}

func (c *copied) Close() error {
	*c.err = errors.Join(*c.err, c.in.Close(), c.out.Close())
	return nil
}

// seenFile is a file of a copy, as it was or is.
type seenFile struct {
	name string
	info fs.FileInfo
	at   time.Time // when it was last changed in any way, as far as the system tells
}

func seenFiles(dir string) (files []seenFile, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(name)
		if err == nil {
			files = append(files, seenFile{strings.TrimPrefix(strings.TrimPrefix(name, dir), "/"), info, touched(info)})
		}
		return err
	})
	return files, err
}

// changed names the first difference, "" if there is none. Of a directory counts
// which one it is: what happens in it shows in its files.
func changed(was, now []seenFile) string {
	for _, f := range now {
		i := slices.IndexFunc(was, func(w seenFile) bool { return w.name == f.name })
		switch {
		case i < 0:
			return fmt.Sprintf("%q is new", f.name)
		case !os.SameFile(was[i].info, f.info) || was[i].info.Mode().Type() != f.info.Mode().Type():
			return fmt.Sprintf("%q was replaced", f.name)
		case !f.info.IsDir() && !was[i].same(f):
			return fmt.Sprintf("%q was written to", f.name)
		}
	}
	for _, w := range was {
		if !slices.ContainsFunc(now, func(f seenFile) bool { return f.name == w.name }) {
			return fmt.Sprintf("%q is gone", w.name)
		}
	}
	return ""
}

func (f seenFile) same(now seenFile) bool {
	return f.info.Size() == now.info.Size() && f.info.ModTime().Equal(now.info.ModTime()) && f.info.Mode() == now.info.Mode() && f.at.Equal(now.at)
}
