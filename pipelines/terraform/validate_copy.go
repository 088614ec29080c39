package terraform

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
)

// maxClosure bounds what is copied for one unit, in bytes.
const maxClosure = 1 << 30

// copyUnit copies the closure of a unit to dir, in the same places relative to
// each other: init writes beside the code, and the checkout may be read-only and
// is never ours to change. Files lose their executable bit, and a link becomes
// what it leads to; one that leads out of the root is an error.
func copyUnit(root *os.Root, unit pipelines.Unit, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(unit.Path)), 0o700); err != nil {
		return fmt.Errorf("making room for a copy of the unit: %w", err)
	}
	inputs := unit.Inputs
	if len(inputs) == 0 {
		var err error
		if inputs, err = everythingIn(root, unit.Path); err != nil {
			return err
		}
	}
	left := int64(maxClosure)
	for _, name := range inputs {
		if !fs.ValidPath(name) {
			return unreadable(name, errors.New("it does not lie in the catalog"))
		}
		n, err := copyFile(root, name, filepath.Join(dir, filepath.FromSlash(name)), left)
		if err != nil {
			return err
		}
		if left -= n; left <= 0 {
			return unreadable(unit.Path, fmt.Errorf("what it needs has more than %d bytes", maxClosure))
		}
	}
	return nil
}

// everythingIn lists the files of a unit whose closure is not known.
func everythingIn(root *os.Root, unit string) ([]string, error) {
	var files []string
	err := fs.WalkDir(root.FS(), unit, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return unreadable(name, err)
		case d.IsDir() && (d.Name() == ".terraform" || d.Name() == ".git"):
			return fs.SkipDir
		case !d.IsDir():
			files = append(files, name)
		}
		return nil
	})
	return files, err
}

func copyFile(root *os.Root, name, to string, limit int64) (int64, error) {
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil // terraform will say so, with the place that needs it
	case err != nil:
		return 0, unreadable(name, err)
	case info.IsDir():
		return 0, linkDir(root, name, to)
	case !info.Mode().IsRegular():
		return 0, unreadable(name, errors.New("it is not a regular file"))
	case configuration(path.Base(name)) && info.Size() > maxFile:
		return 0, unreadable(name, fmt.Errorf("it has %d bytes, more than %d", info.Size(), maxFile))
	}
	from, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return 0, unreadable(name, err)
	}
	defer from.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return 0, fmt.Errorf("copying %q: %w", name, err)
	}
	copied, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, fmt.Errorf("copying %q: %w", name, err)
	}
	n, err := io.Copy(copied, io.LimitReader(from, limit))
	if err = errors.Join(err, copied.Close()); err != nil {
		return n, fmt.Errorf("copying %q: %w", name, err)
	}
	return n, nil
}

// linkDir repeats a symbolic link to a directory of the root: what it leads to is
// part of the closure by its own name.
func linkDir(root *os.Root, name, to string) error {
	target, err := root.Readlink(name)
	if err != nil {
		return nil // a directory: its files are named one by one
	}
	if path.IsAbs(target) || !fs.ValidPath(path.Join(path.Dir(name), target)) {
		return unreadable(name, errors.New("it is a symbolic link that leads out of the catalog"))
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("copying %q: %w", name, err)
	}
	return os.Symlink(filepath.FromSlash(target), to)
}

// contents is what a copy holds.
type contents struct {
	// configured: the unit itself has something to validate.
	configured bool
	// tofu: there are files that only OpenTofu reads.
	tofu bool
}

// look reads the configuration in a copy. Where it is not HCL at all nobody can
// say what the unit holds, so it is not run rather than failed.
func look(dir, unit string) (found contents, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !configuration(d.Name()) || strings.HasPrefix(d.Name(), "terragrunt.") {
			return err
		}
		shown, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		shown = filepath.ToSlash(shown)
		found.configured = found.configured || path.Dir(shown) == unit
		found.tofu = found.tofu || strings.Contains(path.Base(shown), ".tofu")
		return readable(name, shown)
	})
	return found, err
}

func readable(name, shown string) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return unreadable(shown, err)
	}
	if what := nesting.TooDeep(src); what != "" {
		return unreadable(shown, errors.New(what))
	}
	if strings.HasSuffix(name, ".json") {
		return nil // terraform reads it, and tells where it cannot
	}
	if _, diags := hclsyntax.ParseConfig(src, "", hcl.InitialPos); diags.HasErrors() {
		return brokenAt(shown, diags)
	}
	return nil
}
