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

// fmtFiles lists the files of a unit: those of its own directory, and what its
// closure names in directories below that are part of it, such as tests. What
// lies below without being named is left alone, so that the verdict is the same
// where only the closure is there to be read.
func fmtFiles(root *os.Root, unit pipelines.Unit, units map[string]bool) ([]string, error) {
	entries, err := readDir(root, unit.Path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		if !ignored(entry.Name()) && !entry.IsDir() && formattable(entry.Name()) {
			files = append(files, path.Join(unit.Path, entry.Name()))
		}
	}
	part := map[string]bool{unit.Path: true} // directories that are part of the unit
	for _, input := range unit.Inputs {
		if dir := path.Dir(input); dir != unit.Path && formattable(input) && !ignored(path.Base(input)) &&
			partOf(root, dir, part, units) {
			files = append(files, input)
		}
	}
	return files, nil
}

// partOf: a directory below the unit, with no other unit in between.
func partOf(root *os.Root, dir string, part, units map[string]bool) bool {
	known, ok := part[dir]
	if ok || dir == "." {
		return known
	}
	part[dir] = !units[dir] && !ignored(path.Base(dir)) && !configured(root, dir) && partOf(root, path.Dir(dir), part, units)
	return part[dir]
}

func configured(root *os.Root, dir string) bool {
	entries, err := readDir(root, dir)
	return err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !e.IsDir() && configuration(e.Name()) })
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
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
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
