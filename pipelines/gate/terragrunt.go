package gate

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// gruntSettings are what a Terragrunt file may say: all else may run programs,
// write configuration that nobody judged, or name where credentials go.
var gruntSettings, _ = compile(Allow{Settings: []string{
	"terragrunt.inputs", "terragrunt.locals", "terragrunt.prevent_destroy", "terragrunt.skip", "terragrunt.exclude", "terragrunt.feature",
	"terragrunt.include", "terragrunt.dependency", "terragrunt.dependencies", "terragrunt.terraform.source", "terragrunt.remote_state",
	"terragrunt.terraform.include_in_copy", "terragrunt.terraform.exclude_from_copy",
	"terragrunt.terraform_version_constraint", "terragrunt.terragrunt_version_constraint",
}})

// terragrunt judges the Terragrunt file of the unit and all that it reads.
func (j *judge) terragrunt() {
	for _, name := range []string{"terragrunt.hcl.json", "terragrunt.stack.hcl"} {
		if _, err := fs.Lstat(j.fsys, path.Join(j.root, name)); err == nil {
			j.unreadable(hcl.Range{Filename: path.Join(j.root, name)}, "the gate does not read such files; write terragrunt.hcl")
		}
	}
	if _, err := fs.Lstat(j.fsys, path.Join(j.root, "terragrunt.hcl")); err == nil {
		j.grunt(path.Join(j.root, "terragrunt.hcl"), j.root)
	}
}

// grunt judges one Terragrunt file, once for each unit that reads it: what it
// names counts from its own directory, or from that of the unit.
func (j *judge) grunt(name, unit string) {
	if j.grunts[name+"\x00"+unit] {
		return
	}
	j.grunts[name+"\x00"+unit] = true
	src, err := j.read(name)
	if err != nil {
		j.unreadable(hcl.Range{Filename: name}, err.Error())
		return
	}
	if strings.HasSuffix(name, ".json") {
		j.unreadable(hcl.Range{Filename: name}, "the gate does not read Terragrunt's JSON")
		return
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		j.broken(name, diags)
		return
	}
	body := file.Body.(*hclsyntax.Body)
	strict := *j
	strict.allow.setting = append(gruntSettings.setting[:len(gruntSettings.setting):len(gruntSettings.setting)], j.allow.setting...)
	strict.members("terragrunt", body, "terragrunt")
	j.findings = strict.findings
	if a := body.Attributes["inputs"]; a != nil {
		j.inputs(a.Expr)
	}
	for _, b := range body.Blocks {
		j.gruntBlock(name, unit, b)
	}
	_ = hclsyntax.Walk(body, &walker{visit: func(call *hclsyntax.FunctionCallExpr, stack []hclsyntax.Node) {
		j.gruntCall(name, unit, call, stack)
	}})
}

// inputs notes what a Terragrunt file sets variables to.
func (j *judge) inputs(e hcl.Expression) {
	j.readValues()
	pairs, diags := hcl.ExprMap(e)
	j.opaque = j.opaque || diags.HasErrors()
	for _, pair := range pairs {
		if key, ok := keyOf(pair.Key); ok {
			j.values[key] = append(j.values[key], pair.Value)
		} else {
			j.opaque = true
		}
	}
}

func (j *judge) gruntBlock(name, unit string, b *hclsyntax.Block) {
	attr := func(key string) *hclsyntax.Attribute { return b.Body.Attributes[key] }
	switch b.Type {
	case "remote_state":
		kind, ok := "", false
		if a := attr("backend"); a != nil {
			kind, ok = text(a.Expr)
		}
		if !ok {
			j.find(b.DefRange(), "backend", "write the backend out", "the backend of remote_state is not written out")
			return
		}
		j.backend(kind, b.DefRange())
		for key, a := range b.Body.Attributes {
			switch key {
			case "config":
				j.setting("backend."+kind, a.Expr, a.SrcRange, "backend")
			case "generate":
			case "backend", "disable_init", "disable_dependency_optimization":
			default:
				j.refuseSetting("terragrunt.remote_state."+key, a.SrcRange, "terragrunt")
			}
		}
	case "terraform":
		if a := attr("source"); a != nil {
			j.gruntSource([]string{path.Dir(name), unit}, a)
		}
	case "dependency":
		if a := attr("config_path"); a != nil {
			j.gruntFile(name, unit, a.Expr, "terragrunt.hcl", a.SrcRange)
		}
	case "include":
		if a := attr("path"); a != nil {
			j.gruntFile(name, unit, a.Expr, "", a.SrcRange)
		}
	}
}

// gruntSource judges where Terragrunt fetches the unit from. A relative source
// counts from any of the directories.
func (j *judge) gruntSource(from []string, a *hclsyntax.Attribute) {
	source, ok := gruntText(a.Expr)
	dirs, ok2 := gruntPaths(from, strings.Replace(source, "//", "/", 1))
	switch {
	case !ok:
		j.find(a.SrcRange, "module-source", "write the source out", "the source of the unit cannot be told")
	case !local(source) && !strings.HasPrefix(source, repository):
		j.source(source, true, a.SrcRange)
	case !ok2:
		j.find(a.SrcRange, "module-source", "keep modules in the repository", "the source %s leads out of the repository", quoted(source))
	default:
		for _, dir := range j.existing(dirs) {
			j.module(dir).top = true
		}
	}
}

// gruntFile judges another Terragrunt file that an expression names; beneath is
// the file in it where it is a directory, which is a unit then.
func (j *judge) gruntFile(name, unit string, e hcl.Expression, beneath string, at hcl.Range) {
	if call, ok := e.(*hclsyntax.FunctionCallExpr); ok && call.Name == "find_in_parent_folders" {
		return // judged as a call
	}
	other, ok := gruntText(e)
	files, ok2 := gruntPaths([]string{path.Dir(name), unit}, path.Join(other, beneath))
	if !ok || !ok2 || path.IsAbs(other) {
		j.find(at, "terragrunt", "write the path out, relative and within the repository", "which Terragrunt file is read cannot be told")
		return
	}
	for _, file := range j.existing(files) {
		if beneath != "" {
			unit = path.Dir(file)
			j.module(unit).top = true
		}
		j.grunt(file, unit)
	}
}

// existing leaves out what is not there, unless nothing is, which is then said.
func (j *judge) existing(paths []string) []string {
	found := slices.DeleteFunc(slices.Clone(paths), func(p string) bool {
		_, err := j.resolve(p)
		return errors.Is(err, fs.ErrNotExist)
	})
	if len(found) == 0 {
		return paths[:1]
	}
	return found
}

// repository begins a path that counts from the root of the repository.
const repository = "repository:/"

// gruntPaths are the places that a path may mean; false if one is not in the repository.
func gruntPaths(from []string, name string) (paths []string, ok bool) {
	if rest, rooted := strings.CutPrefix(name, repository); rooted {
		from, name = []string{"."}, strings.TrimLeft(rest, "/")
	}
	for _, dir := range from {
		p := path.Join(dir, name)
		if !fs.ValidPath(p) {
			return nil, false
		}
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return slices.Compact(paths), true
}

// gruntText is the text of an expression in which get_terragrunt_dir() is the
// directory that paths count from, and get_repo_root() the repository.
func gruntText(e hcl.Expression) (string, bool) {
	known := func(s string) function.Function {
		return function.New(&function.Spec{Type: function.StaticReturnType(cty.String),
			Impl: func([]cty.Value, cty.Type) (cty.Value, error) { return cty.StringVal(s), nil }})
	}
	v, diags := e.Value(&hcl.EvalContext{Functions: map[string]function.Function{
		"get_terragrunt_dir": known("."), "get_repo_root": known(repository), "get_path_to_repo_root": known(repository)}})
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

func (j *judge) gruntCall(name, unit string, call *hclsyntax.FunctionCallExpr, stack []hclsyntax.Node) {
	at := call.Range()
	switch call.Name {
	case "run_cmd", "get_env", "sops_decrypt_file":
		if key := "terragrunt." + call.Name; !matches(j.allow.setting, key) {
			j.find(at, "terragrunt", toAllow("settings", key), "%s is not allowed: it runs a program or reads a secret of the run", call.Name)
		}
	case "find_in_parent_folders":
		file := "terragrunt.hcl"
		if len(call.Args) > 0 {
			var ok bool
			if file, ok = text(call.Args[0]); !ok || !fs.ValidPath(file) {
				j.find(at, "terragrunt", "write the name of the file out", "which Terragrunt file is read cannot be told")
				return
			}
		}
		if len(call.Args) > 1 {
			j.gruntFile(name, unit, call.Args[1], "", at)
		}
		for _, dir := range []string{path.Dir(name), unit} {
			for dir != "." {
				dir = path.Dir(dir)
				if _, err := fs.Lstat(j.fsys, path.Join(dir, file)); err == nil && strings.HasSuffix(file, ".hcl") {
					j.grunt(path.Join(dir, file), unit)
				}
			}
		}
	case "read_terragrunt_config":
		if len(call.Args) > 0 {
			j.gruntFile(name, unit, call.Args[0], "", at)
		}
	case "read_tfvars_file":
		if len(call.Args) > 0 {
			j.place(&module{dir: path.Dir(name), bare: true}, stack, call.Args[0], nil, at, call.Name)
		}
	default:
		j.function(&module{dir: path.Dir(name), bare: true}, call, stack, at)
	}
}
