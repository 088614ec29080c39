package scaffold

import (
	"fmt"
	"path"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
	"github.com/penstock-dev/penstock/pipelines/live"
)

// places are the environments of a unit that is not there yet.
type places struct {
	// backend is the type that all of them keep state in.
	backend string
	// values are the files with values, relative to the unit.
	values []string
}

// environments finds out where the unit will be: where its path says, or else where
// it has a file of values.
func (u Unit) environments() (places, error) {
	refuse := func(hint, format string, args ...any) (places, error) {
		return places{}, &pipelines.Error{Err: fmt.Errorf("writing the unit %q: %w: %w", u.Path, ErrArgument, fmt.Errorf(format, args...)), Hint: hint}
	}
	all := u.Config.Live.Environments
	if u.Environment != "" && !hasName(all, u.Environment) {
		return refuse("name one of live.environments in penstock.yaml", "there is no environment %q", u.Environment)
	}
	in := u.in(nil)
	switch {
	case len(in) > 0 && u.Environment != "" && (len(in) > 1 || in[0].Name != u.Environment):
		return refuse("leave --environment out, or choose another path", "by its path it is in %s", named(in))
	case len(in) == 0:
		files := map[string]bool{}
		for _, e := range all {
			if len(e.Paths) == 0 && (u.Environment == "" || u.Environment == e.Name) {
				files[e.Name+".tfvars"] = true
			}
		}
		if in = u.in(files); len(in) == 0 {
			return refuse("choose another path, or name it under paths of an environment in penstock.yaml", "it would be in no environment")
		}
	}
	var p places
	for _, e := range in {
		if kind := backendOf(e); p.backend == "" {
			p.backend = kind
		} else if p.backend != kind {
			return refuse("write a unit for each, with --environment", "%s keep state in %q and %q, and a unit declares one backend", named(in), p.backend, kind)
		}
		file, err := valuesOf(e)
		if err != nil {
			return refuse("name a file of the unit under var_files", "%w", err)
		}
		p.values = append(p.values, file)
	}
	return p, nil
}

// in are the environments that the unit is in, with files of it as given.
func (u Unit) in(files map[string]bool) (in []config.Environment) {
	there := map[string]string{}
	for name := range files {
		there[path.Join(u.Path, name)] = ""
	}
	targets, err := live.Targets(git.InMemory(there, nil).FS(), []pipelines.Unit{{Path: u.Path, Kind: pipelines.Live}}, u.Config.Live)
	if err != nil {
		return nil // it is in none
	}
	for _, e := range u.Config.Live.Environments {
		for _, t := range targets {
			if t.Environment.Name == e.Name {
				in = append(in, e)
			}
		}
	}
	if len(u.Config.Live.Environments) == 0 {
		in = append(in, targets[0].Environment)
	}
	return in
}

func hasName(list []config.Environment, name string) bool {
	for _, e := range list {
		if e.Name == name {
			return true
		}
	}
	return false
}

func named(list []config.Environment) string {
	var names []string
	for _, e := range list {
		names = append(names, fmt.Sprintf("%q", e.Name))
	}
	return strings.Join(names, ", ")
}

// backendOf is what a unit declares. Without a word in penstock.yaml that is the
// backend that Terraform has without one: declaring it makes the unit a live one.
func backendOf(e config.Environment) string {
	if e.Backend.Type == "" {
		return "local"
	}
	return e.Backend.Type
}

// valuesOf is the file in the unit that the environment's plans are given.
func valuesOf(e config.Environment) (string, error) {
	if len(e.VarFiles) == 0 {
		return e.Name + ".tfvars", nil
	}
	for _, name := range e.VarFiles {
		if part.MatchString(name) && strings.HasSuffix(name, ".tfvars") {
			return name, nil
		}
	}
	return "", fmt.Errorf("the plans of %q are given no file of the unit", e.Name)
}
