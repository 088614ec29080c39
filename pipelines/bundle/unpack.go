package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

func joined(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

// The modes of what is unpacked: nobody writes to it.
const (
	readOnly     = 0o444
	readOnlyExec = 0o555
	readOnlyDir  = 0o555
)

// unpack writes the files of an archive into an empty directory, through a root
// that nothing leads out of. Where it returns an error the directory is worth
// nothing. The directory itself stays writable, so that it can be renamed.
func unpack(ctx context.Context, archive, record []byte, s *Statement, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	m, text, err := walk(ctx, archive, s, func(f File, content io.Reader) error {
		mode := fs.FileMode(readOnly)
		if f.Mode == modeExec {
			mode = readOnlyExec
		}
		return create(root, f.Path, mode, content)
	})
	if err != nil {
		return err
	}
	if err := writeNew(root, manifestName, text); err != nil {
		return err
	}
	if err := writeNew(root, recordName, record); err != nil {
		return err
	}
	for _, name := range m.dirs() {
		if err := root.Chmod(name, readOnlyDir); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// dirs lists the directories of a bundle, the deepest first.
func (m Manifest) dirs() []string {
	seen := map[string]bool{}
	var dirs []string
	for _, f := range m.Files {
		for dir := path.Dir(f.Path); dir != "." && !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	slices.Reverse(dirs) // a directory sorts before what is in it
	return dirs
}

func create(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Chmod(mode), file.Close()) // past the umask
}

func writeNew(root *os.Root, name string, text []byte) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Chmod(readOnly), file.Close())
}

// unpackedAt reads what was unpacked and holds it to its statement: every file is
// there, as it was, and nothing else is.
func unpackedAt(ctx context.Context, dir string) (*Bundle, Record, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, Record{}, err
	}
	b, r, err := held(ctx, root)
	if err != nil {
		root.Close()
		return nil, r, err
	}
	b.Dir = dir // the root stays open: it is what FS reads through
	return b, r, nil
}

func held(ctx context.Context, root *os.Root) (*Bundle, Record, error) {
	fsys := root.FS()
	text, err := small(fsys, recordName, maxRecord)
	if err != nil {
		return nil, Record{}, err
	}
	r, err := readRecord(text)
	if err != nil {
		return nil, r, err
	}
	if text, err = small(fsys, manifestName, maxManifest); err != nil {
		return nil, r, err
	}
	if digestOf(text) != r.Statement.Manifest {
		return nil, r, refuse(ErrContent, hintPull, "its manifest is %s, its statement is of %s", digestOf(text), r.Statement.Manifest)
	}
	m, err := readManifest(text)
	if err != nil {
		return nil, r, err
	}
	if err := m.holds(ctx, fsys); err != nil {
		return nil, r, err
	}
	return &Bundle{Version: m.Version, Digest: r.Statement.Digest, Manifest: m, content: fsys}, r, nil
}

const hintPull = "pull it again"

func small(fsys fs.FS, name string, limit int) ([]byte, error) {
	info, err := fs.Lstat(fsys, name)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > int64(limit)) {
		return nil, refuse(ErrContent, hintPull, "%q is not a file of at most %d bytes", name, limit)
	}
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(fsys, name)
}

// holds compares a directory with the manifest.
func (m Manifest) holds(ctx context.Context, fsys fs.FS) error {
	want := map[string]File{}
	for _, f := range m.Files {
		want[f.Path] = f
	}
	dirs := map[string]bool{}
	for _, dir := range m.dirs() {
		dirs[dir] = true
	}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case name == "." || name == manifestName || name == recordName:
			return nil
		case entry.IsDir() && dirs[name]:
			return nil
		}
		f, known := want[name]
		if !known || !entry.Type().IsRegular() {
			return refuse(ErrContent, hintPull, "%q is not in the manifest, or is not a file", name)
		}
		delete(want, name)
		return f.holds(fsys)
	})
	if err != nil {
		return err
	}
	for name := range want {
		return refuse(ErrContent, hintPull, "%q is in the manifest and not there", name)
	}
	return nil
}

func (f File) holds(fsys fs.FS) error {
	file, err := fsys.Open(f.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	sum, _, err := hashOf(io.LimitReader(file, f.Size+1))
	if err != nil {
		return err
	}
	if sum != f.SHA256 || (info.Mode()&0o111 != 0) != (f.Mode == modeExec) {
		return refuse(ErrContent, hintPull, "%q was changed since it was unpacked", f.Path)
	}
	return nil
}

// remove removes what was unpacked; read-only directories keep what is in them.
func remove(dir string) error {
	_ = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			return os.Chmod(name, 0o700) //nolint:gosec // to be removed
		}
		return nil
	})
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing %q: %w", dir, err)
	}
	return nil
}
