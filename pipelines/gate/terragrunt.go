package gate

import (
	"io/fs"
	"path"
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
		j.grunt(path.Join(j.root, "terragrunt.hcl"))
	}
}

// grunt judges one Terragrunt file, once.
func (j *judge) grunt(name string) {
	if j.grunts[name] {
		return
	}
	j.grunts[name] = true
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
	for _, b := range body.Blocks {
		j.gruntBlock(name, b)
	}
	_ = hclsyntax.Walk(body, &walker{visit: func(call *hclsyntax.FunctionCallExpr, stack []hclsyntax.Node) { j.gruntCall(name, call, stack) }})
}

func (j *judge) gruntBlock(name string, b *hclsyntax.Block) {
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
			j.gruntSource(name, a)
		}
	case "dependency":
		if a := attr("config_path"); a != nil {
			j.gruntFile(name, a.Expr, "terragrunt.hcl", a.SrcRange)
		}
	case "include":
		if a := attr("path"); a != nil {
			j.gruntFile(name, a.Expr, "", a.SrcRange)
		}
	}
}

// gruntSource judges where Terragrunt fetches the unit from.
func (j *judge) gruntSource(name string, a *hclsyntax.Attribute) {
	source, ok := j.gruntText(name, a.Expr)
	switch dir := path.Join(path.Dir(name), strings.Replace(source, "//", "/", 1)); {
	case !ok:
		j.find(a.SrcRange, "module-source", "write the source out", "the source of the unit cannot be told")
	case strings.HasPrefix(source, "repository:"):
		j.module(path.Clean(strings.TrimLeft(strings.Replace(strings.TrimPrefix(source, "repository:"), "//", "/", 1), "/")))
	case !local(source):
		j.source(source, true, a.SrcRange)
	case !fs.ValidPath(dir):
		j.find(a.SrcRange, "module-source", "keep modules in the repository", "the source %s leads out of the repository", quoted(source))
	default:
		j.module(dir)
	}
}

// gruntFile judges another Terragrunt file that an expression names; beneath is
// the file in it where it is a directory.
func (j *judge) gruntFile(name string, e hcl.Expression, beneath string, at hcl.Range) {
	if call, ok := e.(*hclsyntax.FunctionCallExpr); ok && call.Name == "find_in_parent_folders" {
		return // judged as a call
	}
	other, ok := j.gruntText(name, e)
	dir := path.Dir(name)
	if rest, rooted := strings.CutPrefix(other, "repository:"); rooted {
		other, dir = strings.TrimLeft(rest, "/"), "."
	}
	full := path.Join(dir, other, beneath)
	if !ok || path.IsAbs(other) || !fs.ValidPath(full) {
		j.find(at, "terragrunt", "write the path out, relative and within the repository", "which Terragrunt file is read cannot be told")
		return
	}
	j.grunt(full)
}

// gruntText is the text of an expression in which get_terragrunt_dir() is the
// directory of the file, and get_repo_root() the repository.
func (j *judge) gruntText(name string, e hcl.Expression) (string, bool) {
	known := func(s string) function.Function {
		return function.New(&function.Spec{Type: function.StaticReturnType(cty.String),
			Impl: func([]cty.Value, cty.Type) (cty.Value, error) { return cty.StringVal(s), nil }})
	}
	v, diags := e.Value(&hcl.EvalContext{Functions: map[string]function.Function{
		"get_terragrunt_dir": known("."), "get_repo_root": known("repository:"), "get_path_to_repo_root": known("repository:")}})
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

func (j *judge) gruntCall(name string, call *hclsyntax.FunctionCallExpr, stack []hclsyntax.Node) {
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
		for dir := path.Dir(name); dir != "."; {
			dir = path.Dir(dir)
			if info, err := fs.Stat(j.fsys, path.Join(dir, file)); err == nil && !info.IsDir() && strings.HasSuffix(file, ".hcl") {
				j.grunt(path.Join(dir, file))
			}
		}
	case "read_terragrunt_config":
		if len(call.Args) > 0 {
			j.gruntFile(name, call.Args[0], "", at)
		}
	case "read_tfvars_file":
		if len(call.Args) > 0 {
			j.place(&module{dir: path.Dir(name)}, stack, call.Args[0], nil, at, call.Name)
		}
	default:
		j.function(&module{dir: path.Dir(name)}, call, stack, at)
	}
}
