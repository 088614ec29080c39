package live

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/gobwas/glob"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// unused says what of penstock.yaml chooses nothing: a rule for units that there are
// not, and files of variables that no unit of the environment has. Nothing is refused
// for it, since it counts as it stands on the base, and has to be mended by a change.
func unused(fsys fs.FS, s pipelines.Selection, c config.Live) (notices []pipelines.Notice) {
	units := slices.Clone(s.Live)
	for _, unit := range s.Removed {
		units = append(units, unit.Path)
	}
	for _, rule := range c.Units {
		pattern := glob.MustCompile(strings.TrimSuffix(rule.Path, "/"), '/')
		if !slices.ContainsFunc(units, pattern.Match) {
			notices = append(notices, pipelines.Notice{Path: config.File, Line: rule.Position.Line,
				Message: fmt.Sprintf("live.units: no live unit is at %q, so that nothing comes after %s", rule.Path, strings.Join(rule.After, ", "))})
		}
	}
	if slices.ContainsFunc(s.Live, func(unit string) bool { return !there(fsys, unit) }) {
		return notices // only what was selected is here
	}
	for _, e := range c.Environments {
		for _, name := range e.VarFiles {
			if !slices.ContainsFunc(s.Live, func(unit string) bool {
				yes, _ := member(fsys, unit, e)
				_, err := fs.Stat(fsys, path.Join(unit, name))
				return yes && err == nil
			}) {
				notices = append(notices, pipelines.Notice{Path: config.File, Line: e.Position.Line,
					Message: fmt.Sprintf("live.environments: no unit of %q has the file %q of var_files", e.Name, name)})
			}
		}
	}
	return notices
}
