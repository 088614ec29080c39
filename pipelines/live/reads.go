package live

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines/resource"
)

// statesRead are the states of others that a target reads.
func statesRead(fsys fs.FS, t Target) ([]state, error) {
	files, err := t.varFiles(fsys)
	if err != nil {
		return nil, err
	}
	seen := fsys
	for _, name := range files {
		seen = loaded{seen, t.Unit.Path, name}
	}
	d, err := resource.FromConfiguration(context.Background(), seen, t.Unit.Path, resource.Wanted{"terraform_remote_state": {}})
	if err != nil {
		return nil, err
	}
	var states []state
	for _, r := range d.Resources {
		if r.Mode != "data" || r.Type != "terraform_remote_state" {
			continue
		}
		s := state{args: map[string]string{}}
		s.kind, _ = r.Values["backend"].(string)
		arguments, _ := r.Values["config"].(map[string]any)
		if list, ok := r.Values["config"].([]any); ok && len(list) == 1 {
			arguments, _ = list[0].(map[string]any)
		}
		for name, value := range arguments {
			if plain, ok := value.(string); ok {
				s.args[name] = plain
			}
		}
		if file := s.args["path"]; s.kind == "local" && file != "" && !path.IsAbs(file) {
			s.args["path"] = path.Join(t.Unit.Path, file) // from the root, as that of a target is
		}
		states = append(states, s)
	}
	return states, nil
}

// loaded shows a file of variables as one that Terraform loads by itself, so that
// an evaluation of the unit knows what the plan will be given.
type loaded struct {
	fs.FS
	unit, name string
}

// as is the name under which it is loaded: after all others.
func (l loaded) as() string {
	if strings.HasSuffix(l.name, ".json") {
		return "~" + path.Base(l.name) + ".auto.tfvars.json"
	}
	return "~" + path.Base(l.name) + ".auto.tfvars"
}

func (l loaded) Open(name string) (fs.File, error) {
	if name == path.Join(l.unit, l.as()) {
		name = path.Join(l.unit, l.name)
	}
	return l.FS.Open(name)
}

func (l loaded) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(l.FS, name)
	if err != nil || name != l.unit {
		return entries, err
	}
	info, err := fs.Stat(l.FS, path.Join(l.unit, l.name))
	if err != nil {
		return nil, err
	}
	return append(entries, renamed{fs.FileInfoToDirEntry(info), l.as()}), nil
}

type renamed struct {
	fs.DirEntry
	name string
}

func (r renamed) Name() string { return r.name }

// terragruntDependencies are the units that a terragrunt.hcl comes after, as far
// as their paths are written out.
func terragruntDependencies(fsys fs.FS, unit string) ([]string, error) {
	name := path.Join(unit, "terragrunt.hcl")
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, nil // it is no Terragrunt unit
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, broken(name, diags)
	}
	var found []string
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		var paths []cty.Value
		switch block.Type {
		case "dependency":
			if attribute := block.Body.Attributes["config_path"]; attribute != nil {
				value, diags := attribute.Expr.Value(nil)
				if diags.HasErrors() {
					return nil, fmt.Errorf("%s:%d: ordering the units: the path of the dependency is not written out", name, attribute.SrcRange.Start.Line)
				}
				paths = append(paths, value)
			}
		case "dependencies":
			if attribute := block.Body.Attributes["paths"]; attribute != nil {
				value, diags := attribute.Expr.Value(nil)
				if diags.HasErrors() || !value.CanIterateElements() {
					return nil, fmt.Errorf("%s:%d: ordering the units: the paths of the dependencies are not written out", name, attribute.SrcRange.Start.Line)
				}
				paths = append(paths, value.AsValueSlice()...)
			}
		}
		for _, p := range paths {
			if s := text(p); s != "" {
				found = append(found, path.Join(unit, s))
			}
		}
	}
	return found, nil
}
