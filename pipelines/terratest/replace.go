package terratest

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// replaced keeps what a go.mod replaces by a directory outside of the catalog where it is: a
// relative path leads elsewhere from a copy. A go.mod that cannot be read is left to go, which
// says so with its line.
func replaced(from, to, root string) error {
	text, err := os.ReadFile(to)
	if err != nil {
		return err
	}
	mod, err := modfile.Parse(from, text, nil)
	if err != nil {
		return nil
	}
	changed := false
	for _, r := range mod.Replace {
		target := filepath.Join(filepath.Dir(from), filepath.FromSlash(r.New.Path))
		inside := target == root || strings.HasPrefix(target, root+string(filepath.Separator))
		if r.New.Version != "" || filepath.IsAbs(r.New.Path) || inside {
			continue
		}
		if err := mod.AddReplace(r.Old.Path, r.Old.Version, target, ""); err != nil {
			return err
		}
		changed = true
	}
	if !changed {
		return nil
	}
	if text, err = mod.Format(); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}
