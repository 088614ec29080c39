package terraform

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/penstock-dev/penstock/pipelines"
)

// terragrunt is what is put before terraform's arguments for a unit that has a
// terragrunt.hcl, and nil for any other: Terragrunt then calls the program with them.
func (p program) terragrunt(unit string) ([]string, error) {
	if _, err := os.Lstat(filepath.Join(unit, "terragrunt.hcl")); err != nil {
		return nil, nil //nolint:nilerr // it is no Terragrunt unit; what cannot be read was refused when it was copied
	}
	path, err := exec.LookPath("terragrunt")
	if err != nil {
		return nil, &pipelines.Error{Err: fmt.Errorf("looking for terragrunt, which the unit is written for: %w", err),
			Hint: "install terragrunt (https://terragrunt.gruntwork.io/docs/getting-started/install)"}
	}
	return []string{path, "run", "--non-interactive", "--log-level", "error", "--tf-forward-stdout", "--no-color", "--no-auto-retry",
		"--tf-path", p.path, "--working-dir", unit, "--"}, nil
}

// grunts says whether a unit has a terragrunt.hcl.
func grunts(src string, unit pipelines.Unit) bool {
	_, err := os.Lstat(filepath.Join(src, filepath.FromSlash(unit.Path), "terragrunt.hcl"))
	return err == nil
}

// Terragrunt says whether terraform is called through Terragrunt, which says itself
// where state is kept.
func (w *Workspace) Terragrunt() bool { return len(w.grunt) > 0 }
