// Package live plans, applies, recovers and watches live infrastructure: each
// unit in each environment, in the order in which they depend on each other.
package live

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/gobwas/glob"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// Target is a unit in an environment: what is planned and applied as one.
type Target struct {
	Unit        pipelines.Unit
	Environment config.Environment
	// After are the ids of the targets that it depends on, sorted.
	After []string
	// Wave counts from 1: what is in it depends on earlier waves alone.
	Wave int
	// shared: the unit is in several environments, so its path does not tell which.
	shared bool
	// home is where the unit's files are: the repository, or its base for a unit
	// that was taken away.
	home    *os.Root
	removed bool
	// broken says why nobody knows what the unit depends on: its configuration cannot
	// be read. It is not planned, looked at or applied; others are.
	broken error
}

// ID names the target: the unit's path, and the environment where the path alone
// does not tell it.
func (t Target) ID() string {
	if t.shared {
		return t.Unit.Path + "@" + t.Environment.Name
	}
	return t.Unit.Path
}

// anywhere is the environment that holds without any in penstock.yaml.
func anywhere() config.Environment {
	open := false
	return config.Environment{Name: "default", Paths: []string{"**"}, Gates: &open}
}

// Targets returns what the selected units are planned as, by id. A live unit that
// is in no environment is an error: nobody would ever plan it.
func Targets(fsys fs.FS, units []pipelines.Unit, c config.Live) ([]Target, error) {
	environments := c.Environments
	if len(environments) == 0 {
		environments = []config.Environment{anywhere()}
	}
	var targets []Target
	for _, unit := range units {
		if unit.Kind != pipelines.Live {
			continue
		}
		var in []Target
		for _, e := range environments {
			yes, shared := member(fsys, unit.Path, e)
			if yes {
				in = append(in, Target{Unit: unit, Environment: e, shared: shared})
			}
		}
		if len(in) == 0 {
			return nil, &config.Error{Cause: &pipelines.Error{Position: pipelines.Position{Path: config.File}, Err: fmt.Errorf("sorting %q into environments: it is in none of %s", unit.Path, names(environments)),
				Hint: "name it under paths of an environment in penstock.yaml, add a file ENVIRONMENT.tfvars to it, or take it out with {path: " + unit.Path + ", kind: ignore}"}}
		}
		for i := range in {
			in[i].shared = in[i].shared || len(in) > 1
		}
		targets = append(targets, in...)
	}
	slices.SortFunc(targets, func(a, b Target) int { return strings.Compare(a.ID(), b.ID()) })
	return targets, nil
}

// member says whether a unit is in an environment, and whether by a file of
// variables, so that it may be in others too.
func member(fsys fs.FS, unit string, e config.Environment) (yes, shared bool) {
	if len(e.Paths) > 0 {
		return slices.ContainsFunc(e.Paths, func(pattern string) bool {
			return pattern == "**" || glob.MustCompile(strings.TrimSuffix(pattern, "/"), '/').Match(unit)
		}), false
	}
	if slices.Contains(strings.Split(unit, "/"), e.Name) {
		return true, false
	}
	_, err := fs.Stat(fsys, path.Join(unit, e.Name+".tfvars"))
	return err == nil, true
}

func names(environments []config.Environment) string {
	list := make([]string, len(environments))
	for i, e := range environments {
		list[i] = fmt.Sprintf("%q", e.Name)
	}
	return strings.Join(list, ", ")
}

// varFiles are the files of variables of a target that exist, relative to its unit.
func (t Target) varFiles(fsys fs.FS) ([]string, error) {
	candidates := t.Environment.VarFiles
	if len(candidates) == 0 {
		candidates = []string{t.Environment.Name + ".tfvars", t.Environment.Name + ".tfvars.json"}
	}
	var files []string
	for _, name := range candidates {
		full := path.Join(t.Unit.Path, name)
		if !fs.ValidPath(full) {
			return nil, fmt.Errorf("looking for variables of %q: %q leads out of the repository", t.ID(), name)
		}
		switch _, err := fs.Stat(fsys, full); {
		case err == nil:
			files = append(files, name)
		case !os.IsNotExist(err):
			return nil, fmt.Errorf("looking for variables of %q: %w", t.ID(), err)
		}
	}
	return files, nil
}

// expand fills a target's names into what penstock.yaml says of it.
func (t Target) expand(s string) string {
	return strings.NewReplacer("{env}", t.Environment.Name, "{unit}", t.Unit.Path).Replace(s)
}
