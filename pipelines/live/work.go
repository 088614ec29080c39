package live

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// workPrefix begins the names of the temporary directories that an apply works in.
const workPrefix = "penstock-apply-"

// markFile says in a directory of which run it is. A journal names directories too,
// but whoever can write to the store could have it name any.
const markFile = "run"

func mark(work, run string) error {
	if err := os.WriteFile(filepath.Join(work, markFile), []byte(run+"\n"), 0o600); err != nil {
		return fmt.Errorf("making room to work: %w", err)
	}
	return nil
}

// marked says whether a directory is one that a run worked in.
func marked(work, run string) bool {
	text, err := os.ReadFile(filepath.Join(work, markFile))
	return err == nil && filepath.IsAbs(work) && string(text) == run+"\n"
}

// clearWork removes the directory that a run worked in, its mark at the very end: who is
// killed meanwhile leaves what recover knows.
func clearWork(work string) error {
	entries, err := os.ReadDir(work)
	errs := []error{err}
	for _, entry := range entries {
		if entry.Name() != markFile {
			errs = append(errs, os.RemoveAll(filepath.Join(work, entry.Name())))
		}
	}
	return errors.Join(append(errs, os.RemoveAll(work))...)
}

// sweep removes what a dead run left on this machine: a plan that was opened lies in
// it. said is the directory that its journal names, if there is one.
func sweep(run, said string) error {
	dirs := []string{said}
	if found, err := filepath.Glob(filepath.Join(os.TempDir(), workPrefix+"*", "t*")); err == nil {
		dirs = append(dirs, found...)
	}
	var errs []error
	for _, dir := range dirs {
		if dir == "" || !marked(dir, run) {
			continue
		}
		errs = append(errs, clearWork(dir))
		if above := filepath.Dir(dir); strings.HasPrefix(filepath.Base(above), workPrefix) {
			_ = os.Remove(above) // only if it is empty
		}
	}
	return errors.Join(errs...)
}
