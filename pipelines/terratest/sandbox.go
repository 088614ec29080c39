package terratest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// sandbox copies the catalog to dir, for one process of tests: what a test writes beside
// the code, and what terraform does, neither reaches the checkout nor another test.
// What tools cached in it, state, and links are not code: caches and state stay behind,
// links are repeated as they are. So do the directories of not: reports, states, history.
func sandbox(root, dir string, not []string) error {
	err := filepath.WalkDir(root, func(full string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && full != root {
			return nil // it went while we looked
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, full)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		switch name := d.Name(); {
		case d.IsDir() && slices.Contains(not, full):
			return fs.SkipDir
		case d.IsDir() && full != root && (name == ".git" || name == ".terraform" || name == ".terragrunt-cache"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(to, 0o700)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(full)
			if err != nil {
				return err
			}
			return os.Symlink(target, to)
		case !d.Type().IsRegular(), strings.Contains(name, ".tfstate"):
			return nil
		}
		if d.Name() == "go.mod" {
			return copyModule(full, to, root)
		}
		if err := copyFile(full, to); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("copying the catalog to a sandbox: %w", err)
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600|info.Mode().Perm()&0o100)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// copyModule copies a go.mod. A replacement that leads out of the catalog, as to a module
// beside it in a large repository, leads from the copy to where it led before.
func copyModule(from, to, root string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if file, err := modfile.Parse(from, content, nil); err == nil { // else go says what is wrong with it
		for _, r := range slices.Clone(file.Replace) {
			target := filepath.Join(filepath.Dir(from), filepath.FromSlash(r.New.Path))
			within := target == root || strings.HasPrefix(target, root+string(filepath.Separator))
			if modfile.IsDirectoryPath(r.New.Path) && !filepath.IsAbs(r.New.Path) && !within {
				if err := file.AddReplace(r.Old.Path, r.Old.Version, target, ""); err != nil {
					return err
				}
			}
		}
		file.Cleanup()
		if content, err = file.Format(); err != nil {
			return err
		}
	}
	return os.WriteFile(to, content, 0o600)
}
