package terraform

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// fmtSuffixes are the names that terraform fmt and tofu fmt look at.
var fmtSuffixes = []string{".tf", ".tfvars", ".tftest.hcl", ".tfmock.hcl", ".tofu", ".tofutest.hcl"}

// maxFile bounds a file in bytes: nobody writes ten megabytes by hand, and the
// parser needs fifty times that.
const maxFile = 10 << 20

func formattable(name string) bool {
	return slices.ContainsFunc(fmtSuffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// ignored are the names that terraform passes over, directories too.
func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") ||
		strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#")
}

// fmtFiles lists the files of a unit: those of its directory, and of directories
// below that are no units, such as a folder of tests or of variable files.
func fmtFiles(root *os.Root, unit string, units map[string]bool) ([]string, error) {
	entries, err := readDir(root, unit)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		name := path.Join(unit, entry.Name())
		switch {
		case ignored(entry.Name()):
		case entry.IsDir():
			below, err := fmtFilesBelow(root, name, units)
			if err != nil {
				return nil, err
			}
			files = append(files, below...)
		case formattable(entry.Name()):
			files = append(files, name)
		}
	}
	return files, nil
}

func fmtFilesBelow(root *os.Root, dir string, units map[string]bool) ([]string, error) {
	if units[dir] {
		return nil, nil
	}
	entries, err := readDir(root, dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !entry.IsDir() && configuration(entry.Name()) || entry.Name() == ".git" {
			return nil, nil // a unit or a repository of its own
		}
	}
	return fmtFiles(root, dir, units)
}

// configuration are the names that make a directory a unit.
func configuration(name string) bool {
	for _, suffix := range []string{".tf", ".tf.json", ".tofu", ".tofu.json"} {
		if strings.HasSuffix(name, suffix) && !ignored(name) {
			return true
		}
	}
	return name == "terragrunt.hcl" || name == "terragrunt.hcl.json"
}

func readDir(root *os.Root, dir string) ([]fs.DirEntry, error) {
	d, err := root.Open(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// readFile reads a regular file of bounded size that lies in the root, through
// symbolic links that stay in it.
func readFile(root *os.Root, name string) ([]byte, error) {
	// A named pipe would block for ever without this flag.
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, unreadable(name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, unreadable(name, err)
	case !info.Mode().IsRegular():
		return nil, unreadable(name, errors.New("it is not a regular file"))
	case info.Size() > maxFile:
		return nil, unreadable(name, fmt.Errorf("it has %d bytes, more than %d", info.Size(), maxFile))
	}
	src := make([]byte, info.Size()+1)
	n, err := io.ReadFull(f, src)
	if err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, unreadable(name, errors.New("it changed while it was read"))
	}
	return src[:n], nil
}

// unreadable is an error that keeps the system's own sentence and drops the
// path, which the position says already.
func unreadable(name string, err error) error {
	var known *fs.PathError
	if errors.As(err, &known) {
		err = known.Err
	}
	return &pipelines.Error{Position: pipelines.Position{Path: printable.Path(name)}, Err: fmt.Errorf("could not be read: %w", err)}
}
