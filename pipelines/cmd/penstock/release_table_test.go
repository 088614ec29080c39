package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/release"
)

// files are by name, beneath the module.
type files map[string]string

// one is a module of one file.
func one(text string) files { return files{"main.tf": text} }

const (
	res   = "resource \"terraform_data\" \"a\" {}\n"
	nameV = "variable \"name\" {\n  type = string\n}\n"
)

// variable is one with arguments.
func variable(arguments ...string) files {
	return one("variable \"x\" {\n  " + strings.Join(arguments, "\n  ") + "\n}\n")
}

func needs(aws, terraform string) files {
	return one("terraform {\n  required_version = \"" + terraform + "\"\n  required_providers {\n    aws = {\n      source  = \"hashicorp/aws\"\n      version = \"" + aws + "\"\n    }\n  }\n}\n")
}

func aliases(list string) files {
	return one("terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n      configuration_aliases = [" + list + "]\n    }\n  }\n}\n")
}

const child = "resource \"terraform_data\" \"in\" {}\n"

func with(f files, more files) files {
	all := files{}
	for _, m := range []files{f, more} {
		for name, text := range m {
			all[name] = text
		}
	}
	return all
}

// interfaceChanges are what a change of a module comes to. was is 1.2.3 where it says nothing;
// want is "" where nothing is released.
var interfaceChanges = []struct {
	name          string
	before, after files
	message       string
	was, want     string
}{
	// Variables.
	{name: "a variable was removed", before: one(nameV + res), after: one(res), want: "2.0.0"},
	{name: "a variable is new and required", before: one(res), after: one(nameV + res), want: "2.0.0"},
	{name: "a variable is new with a default", before: one(res), after: one("variable \"n\" {\n  default = 1\n}\n" + res), want: "1.3.0"},
	{name: "a default was removed", before: variable("type = string", "default = \"a\""), after: variable("type = string"), want: "2.0.0"},
	{name: "a default was added", before: variable("type = string"), after: variable("type = string", "default = \"a\""), want: "1.3.0"},
	{name: "a default is null now", before: variable("type = string"), after: variable("type = string", "default = null"), want: "1.3.0"},
	{name: "a default is another", before: variable("type = string", "default = \"a\""), after: variable("type = string", "default = \"b\""), want: "1.2.4"},
	{name: "a default in other words", before: variable("type = string", "default = \"1\""), after: variable("type = string", "default = 1"), want: "1.2.4"},
	{name: "a description", before: variable("type = string"), after: variable("type = string", "description = \"d\""), want: "1.2.4"},
	{name: "string to number", before: variable("type = string"), after: variable("type = number"), want: "2.0.0"},
	{name: "number to string", before: variable("type = number"), after: variable("type = string"), want: "1.3.0"},
	{name: "bool to number", before: variable("type = bool"), after: variable("type = number"), want: "2.0.0"},
	{name: "any to string", before: variable("type = any"), after: variable("type = string"), want: "2.0.0"},
	{name: "no type to string", before: variable("nullable = true"), after: variable("type = string", "nullable = true"), want: "2.0.0"},
	{name: "string to any", before: variable("type = string"), after: variable("type = any"), want: "1.3.0"},
	{name: "list to set", before: variable("type = list(string)"), after: variable("type = set(string)"), want: "2.0.0"},
	{name: "set to list", before: variable("type = set(string)"), after: variable("type = list(string)"), want: "1.3.0"},
	{name: "list of numbers to list of strings", before: variable("type = list(number)"), after: variable("type = list(string)"), want: "1.3.0"},
	{name: "map of strings to map of numbers", before: variable("type = map(string)"), after: variable("type = map(number)"), want: "2.0.0"},
	{name: "string to list of strings", before: variable("type = string"), after: variable("type = list(string)"), want: "2.0.0"},
	{name: "tuple to list", before: variable("type = tuple([string, number])"), after: variable("type = list(string)"), want: "1.3.0"},
	{name: "a required attribute more", before: variable("type = object({a=string})"), after: variable("type = object({a=string, b=string})"), want: "2.0.0"},
	{name: "an optional attribute more", before: variable("type = object({a=string})"), after: variable("type = object({a=string, b=optional(string)})"), want: "1.3.0"},
	{name: "an attribute less", before: variable("type = object({a=string, b=optional(string)})"), after: variable("type = object({a=string})"), want: "2.0.0"},
	{name: "an attribute is required now", before: variable("type = object({a=optional(string)})"), after: variable("type = object({a=string})"), want: "2.0.0"},
	{name: "an attribute is optional now", before: variable("type = object({a=string})"), after: variable("type = object({a=optional(string, \"x\")})"), want: "1.3.0"},
	{name: "the default of an attribute is another", before: variable("type = object({a=optional(string, \"x\")})"), after: variable("type = object({a=optional(string, \"y\")})"), want: "1.2.4"},
	{name: "an attribute deep within was narrowed", before: variable("type = list(object({a=map(any)}))"), after: variable("type = list(object({a=map(string)}))"), want: "2.0.0"},
	{name: "a type in other words", before: variable("type = object({a=string,b=number})"), after: variable("type = object({\n    b = number\n    a = string\n  })"), want: "1.2.4"},
	{name: "a validation is new", before: variable("type = string"), after: variable("type = string", "validation {\n    condition     = length(var.x) > 1\n    error_message = \"Longer.\"\n  }"), want: "2.0.0"},
	{name: "a validation was changed", before: variable("type = string", "validation {\n    condition     = length(var.x) > 1\n    error_message = \"Longer.\"\n  }"), after: variable("type = string", "validation {\n    condition     = length(var.x) > 2\n    error_message = \"Longer.\"\n  }"), want: "2.0.0"},
	{name: "a validation was removed", before: variable("type = string", "validation {\n    condition     = length(var.x) > 1\n    error_message = \"Longer.\"\n  }"), after: variable("type = string"), want: "1.3.0"},
	{name: "a validation in other words", before: variable("type = string", "validation {\n    condition     = length(var.x) > 1\n    error_message = \"Longer.\"\n  }"), after: variable("type = string", "validation {\n    condition     = length( var.x )>1 # really\n    error_message = \"Be longer.\"\n  }"), want: "1.2.4"},
	{name: "null is no longer taken", before: variable("type = string"), after: variable("type = string", "nullable = false"), want: "2.0.0"},
	{name: "null is taken now", before: variable("type = string", "nullable = false"), after: variable("type = string"), want: "1.3.0"},
	{name: "a variable is sensitive now", before: variable("type = string"), after: variable("type = string", "sensitive = true"), want: "1.2.4"},
	{name: "a variable takes ephemeral values", before: variable("type = string"), after: variable("type = string", "ephemeral = true"), want: "1.3.0"},
	{name: "a variable no longer takes ephemeral values", before: variable("type = string", "ephemeral = true"), after: variable("type = string"), want: "2.0.0"},
	// Outputs.
	{name: "an output was removed", before: one("output \"o\" {\n  value = 1\n}\n" + res), after: one(res), want: "2.0.0"},
	{name: "an output is new", before: one(res), after: one("output \"o\" {\n  value = 1\n}\n" + res), want: "1.3.0"},
	{name: "an output is sensitive now", before: one("output \"o\" {\n  value = 1\n}\n"), after: one("output \"o\" {\n  value     = 1\n  sensitive = true\n}\n"), want: "2.0.0"},
	{name: "an output is no longer sensitive", before: one("output \"o\" {\n  value     = 1\n  sensitive = true\n}\n"), after: one("output \"o\" {\n  value = 1\n}\n"), want: "1.3.0"},
	{name: "an output is ephemeral now", before: one("output \"o\" {\n  value = 1\n}\n"), after: one("output \"o\" {\n  value     = 1\n  ephemeral = true\n}\n"), want: "2.0.0"},
	{name: "an output has another value", before: one("output \"o\" {\n  value = 1\n}\n"), after: one("output \"o\" {\n  value = 2\n}\n"), want: "1.2.4"},
	// What it needs.
	{name: "a provider's major was raised", before: needs("~> 5.0", ">= 1.5"), after: needs("~> 6.0", ">= 1.5"), want: "2.0.0"},
	{name: "a provider's constraint was narrowed", before: needs(">= 5.0", ">= 1.5"), after: needs(">= 5.10", ">= 1.5"), want: "2.0.0"},
	{name: "a provider's constraint was widened", before: needs("~> 5.0", ">= 1.5"), after: needs(">= 5.0, < 7.0", ">= 1.5"), want: "1.3.0"},
	{name: "a provider's constraint in other words", before: needs("~> 5.0", ">= 1.5"), after: needs(">= 5.0, < 6.0.0", ">= 1.5"), want: "1.2.4"},
	{name: "one version is left out", before: needs("~> 5.0", ">= 1.5"), after: needs("~> 5.0, != 5.3.1", ">= 1.5"), want: "2.0.0"},
	{name: "a higher Terraform is required", before: needs("~> 5.0", ">= 1.5"), after: needs("~> 5.0", ">= 1.9"), want: "2.0.0"},
	{name: "a lower Terraform will do", before: needs("~> 5.0", ">= 1.9"), after: needs("~> 5.0", ">= 1.5"), want: "1.3.0"},
	{name: "no Terraform was required", before: one(res), after: one("terraform {\n  required_version = \">= 1.5\"\n}\n" + res), want: "2.0.0"},
	{name: "a provider is new", before: one(res), after: one(res + "data \"http\" \"x\" {\n  url = \"https://example.com\"\n}\n"), want: "1.3.0"},
	{name: "a provider is of another source", before: one("terraform {\n  required_providers {\n    x = {\n      source = \"a/x\"\n    }\n  }\n}\n"), after: one("terraform {\n  required_providers {\n    x = {\n      source = \"b/x\"\n    }\n  }\n}\n"), want: "2.0.0"},
	{name: "an alias is needed", before: aliases("aws.a"), after: aliases("aws.a, aws.b"), want: "2.0.0"},
	{name: "a provider is configured within", before: needs("~> 5.0", ">= 1.5"), after: with(needs("~> 5.0", ">= 1.5"), files{"provider.tf": "provider \"aws\" {\n  region = \"eu-west-1\"\n}\n"}), want: "2.0.0"},
	// Addresses.
	{name: "a resource is new", before: one(res), after: one(res + "resource \"terraform_data\" \"b\" {}\n"), want: "1.3.0"},
	{name: "a resource is gone", before: one(res + "resource \"terraform_data\" \"b\" {}\n"), after: one(res), want: "2.0.0"},
	{name: "a resource was renamed", before: one(res), after: one("resource \"terraform_data\" \"b\" {}\n"), want: "2.0.0"},
	{name: "a resource moved", before: one(res), after: one("resource \"terraform_data\" \"b\" {}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\n"), want: "1.2.4"},
	{name: "a resource moved twice", before: one(res), after: one("resource \"terraform_data\" \"c\" {}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\nmoved {\n  from = terraform_data.b\n  to   = terraform_data.c\n}\n"), want: "1.2.4"},
	{name: "a resource moved to nowhere", before: one(res), after: one("moved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\noutput \"o\" {\n  value = 1\n}\n"), want: "2.0.0"},
	{name: "a resource was forgotten", before: one(res), after: one("removed {\n  from = terraform_data.a\n  lifecycle {\n    destroy = false\n  }\n}\n"), want: "1.3.0"},
	{name: "a resource was removed and destroyed", before: one(res), after: one("removed {\n  from = terraform_data.a\n  lifecycle {\n    destroy = true\n  }\n}\n"), want: "2.0.0"},
	{name: "a moved block was taken away", before: one("resource \"terraform_data\" \"b\" {}\nmoved {\n  from = terraform_data.a\n  to   = terraform_data.b\n}\n"), after: one("resource \"terraform_data\" \"b\" {}\n"), want: "2.0.0"},
	{name: "count is new", before: one(res), after: one("resource \"terraform_data\" \"a\" {\n  count = 1\n}\n"), want: "1.2.4"},
	{name: "count became for_each", before: one("resource \"terraform_data\" \"a\" {\n  count = 1\n}\n"), after: one("resource \"terraform_data\" \"a\" {\n  for_each = toset([\"x\"])\n}\n"), want: "2.0.0"},
	{name: "count became for_each, with moved", before: one("resource \"terraform_data\" \"a\" {\n  count = 1\n}\n"), after: one("resource \"terraform_data\" \"a\" {\n  for_each = toset([\"x\"])\n}\nmoved {\n  from = terraform_data.a[0]\n  to   = terraform_data.a[\"x\"]\n}\n"), want: "1.2.4"},
	{name: "a data source is gone", before: one(res + "data \"terraform_remote_state\" \"x\" {\n  backend = \"local\"\n}\n"), after: one(res), want: "1.2.4"},
	{name: "an argument of a resource", before: one(res), after: one("resource \"terraform_data\" \"a\" {\n  input = 1\n}\n"), want: "1.2.4"},
	// Local modules, and those of others.
	{name: "a resource of a local module is gone", before: files{"main.tf": "module \"m\" {\n  source = \"./m\"\n}\n", "m/main.tf": child + "output \"o\" {\n  value = 1\n}\n"},
		after: files{"main.tf": "module \"m\" {\n  source = \"./m\"\n}\n", "m/main.tf": "output \"o\" {\n  value = 1\n}\n"}, want: "2.0.0"},
	{name: "a call was renamed", before: files{"main.tf": "module \"m\" {\n  source = \"./m\"\n}\n", "m/main.tf": child}, after: files{"main.tf": "module \"n\" {\n  source = \"./m\"\n}\n", "m/main.tf": child}, want: "2.0.0"},
	{name: "a call was renamed, with moved", before: files{"main.tf": "module \"m\" {\n  source = \"./m\"\n}\n", "m/main.tf": child},
		after: files{"main.tf": "module \"n\" {\n  source = \"./m\"\n}\nmoved {\n  from = module.m\n  to   = module.n\n}\n", "m/main.tf": child}, want: "1.2.4"},
	{name: "a resource went into a local module", before: one("resource \"terraform_data\" \"in\" {}\n"),
		after: files{"main.tf": "module \"m\" {\n  source = \"./m\"\n}\nmoved {\n  from = terraform_data.in\n  to   = module.m.terraform_data.in\n}\n", "m/main.tf": child}, want: "1.2.4"},
	{name: "a local module needs more", before: files{"main.tf": "module \"m\" {\n  source = \"./m\"\n}\n", "m/main.tf": child},
		after: files{"main.tf": "module \"m\" {\n  source = \"./m\"\n}\n", "m/main.tf": "terraform {\n  required_version = \">= 1.9\"\n}\n" + child}, want: "2.0.0"},
	{name: "a variable of a local module is no interface", before: files{"main.tf": "module \"m\" {\n  source = \"./m\"\n}\n", "m/main.tf": child},
		after: files{"main.tf": "module \"m\" {\n  source = \"./m\"\n  v = 1\n}\n", "m/main.tf": child + "variable \"v\" {}\n"}, want: "1.2.4"},
	{name: "a call repeats by for_each now", before: files{"main.tf": "module \"m\" {\n  source = \"./m\"\n}\n", "m/main.tf": child}, after: files{"main.tf": "module \"m\" {\n  for_each = toset([\"x\"])\n  source = \"./m\"\n}\n", "m/main.tf": child}, want: "2.0.0"},
	{name: "a foreign module's ref, one patch up", before: one("module \"m\" {\n  source = \"git::https://example.com/m.git?ref=v1.2.0\"\n}\n"), after: one("module \"m\" {\n  source = \"git::https://example.com/m.git?ref=v1.2.1\"\n}\n"), want: "1.2.4"},
	{name: "a foreign module's ref, one major up", before: one("module \"m\" {\n  source = \"git::https://example.com/m.git?ref=v1.2.0\"\n}\n"), after: one("module \"m\" {\n  source = \"git::https://example.com/m.git?ref=v2.0.0\"\n}\n"), want: "2.0.0"},
	{name: "another foreign module", before: one("module \"m\" {\n  source = \"a/b/aws\"\n  version = \"1.0.0\"\n}\n"), after: one("module \"m\" {\n  source = \"a/c/aws\"\n  version = \"1.0.0\"\n}\n"), want: "2.0.0"},
	{name: "a foreign module's version", before: one("module \"m\" {\n  source = \"a/b/aws\"\n  version = \"1.0.0\"\n}\n"), after: one("module \"m\" {\n  source = \"a/b/aws\"\n  version = \"1.1.0\"\n}\n"), want: "1.3.0"},
	// JSON, OpenTofu, overrides.
	{name: "a variable of JSON was removed", before: files{"main.tf.json": `{"variable": {"a": {"type": "string", "default": "x"}}, "output": {"o": {"value": 1}}}`}, after: files{"main.tf.json": `{"output": {"o": {"value": 1}}}`}, want: "2.0.0"},
	{name: "from HCL to JSON", before: variable("type = list(string)", "default = [\"a\"]"), after: files{"main.tf.json": `{"variable": {"x": {"type": "list(string)", "default": ["a"]}}}`}, want: "1.2.4"},
	{name: "an override takes the default away", before: variable("type = string", "default = \"a\""), after: with(variable("type = string", "default = \"a\""), files{"x_override.tf": "variable \"x\" {\n  type = number\n  default = 1\n}\n"}), want: "2.0.0"},
	{name: "OpenTofu has another output", before: files{"main.tf": res, "o.tofu": "output \"o\" {\n  value = 1\n}\n"}, after: files{"main.tf": res, "o.tofu": "output \"p\" {\n  value = 1\n}\n"}, want: "2.0.0"},
	{name: "a .tofu file for OpenTofu alone", before: one(res), after: with(one(res), files{"o.tofu": "output \"o\" {\n  value = 1\n}\n"}), want: "1.3.0"},
	// Commits raise, and never lower.
	{name: "a commit says feat", before: one(res), after: one(res + "# more\n"), message: "feat: more", want: "1.3.0"},
	{name: "a commit says that it breaks", before: one(res), after: one(res + "# more\n"), message: "fix(x)!: less", want: "2.0.0"},
	{name: "a footer says that it breaks", before: one(res), after: one(res + "# more\n"), message: "fix: less\n\nBREAKING CHANGE: all of it", want: "2.0.0"},
	{name: "a commit says fix, the interface breaks", before: one(nameV + res), after: one(res), message: "fix: nothing to see", want: "2.0.0"},
	{name: "a commit says nothing", before: one(res), after: one(res + "# more\n"), message: "more", want: "1.2.4"},
	// Before 1.0.0.
	{name: "0.y.z: breaking", before: one(nameV + res), after: one(res), was: "0.4.1", want: "0.5.0"},
	{name: "0.y.z: added", before: one(res), after: one(res + "output \"o\" {\n  value = 1\n}\n"), was: "0.4.1", want: "0.4.2"},
	{name: "0.y.z: a fix", before: one(res), after: one(res + "# more\n"), was: "0.4.1", want: "0.4.2"},
	// What makes no version.
	{name: "a document", before: one(res), after: with(one(res), files{"README.md": "more"}), want: ""},
	{name: "a test", before: one(res), after: with(one(res), files{"tests/a.tftest.hcl": "run \"a\" {}\n"}), want: ""},
	{name: "a document that it reads", before: with(one("output \"o\" {\n  value = file(\"${path.module}/policy.md\")\n}\n"), files{"policy.md": "a"}),
		after: with(one("output \"o\" {\n  value = file(\"${path.module}/policy.md\")\n}\n"), files{"policy.md": "b"}), want: "1.2.4"},
	{name: "a template", before: with(one("output \"o\" {\n  value = templatefile(\"${path.module}/t/x.tftpl\", {})\n}\n"), files{"t/x.tftpl": "a"}),
		after: with(one("output \"o\" {\n  value = templatefile(\"${path.module}/t/x.tftpl\", {})\n}\n"), files{"t/x.tftpl": "b"}), want: "1.2.4"},
	{name: "nothing", before: one(res), after: one(res), want: ""},
}

// modulesRepo is a bare repository and a clone of it.
type modulesRepo struct {
	*testing.T
	bare, dir string
}

func newModulesRepo(t *testing.T) *modulesRepo {
	t.Helper()
	r := &modulesRepo{T: t, bare: filepath.Join(t.TempDir(), "origin.git"), dir: filepath.Join(t.TempDir(), "clone")}
	for name, value := range map[string]string{"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.invalid",
		"GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.invalid", "GITHUB_REPOSITORY": "", "GITHUB_TOKEN": ""} {
		t.Setenv(name, value)
	}
	r.git(".", "init", "-q", "--bare", "-b", "main", r.bare)
	r.git(".", "init", "-q", "-b", "main", r.dir)
	r.git(r.dir, "remote", "add", "origin", r.bare)
	return r
}

func (r *modulesRepo) git(dir string, args ...string) string {
	r.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// put makes a directory be exactly these files.
func (r *modulesRepo) put(module string, f files) {
	r.Helper()
	dir := filepath.Join(r.dir, module)
	if err := os.RemoveAll(dir); err != nil {
		r.Fatal(err)
	}
	for name, text := range f {
		write(r.T, filepath.Join(dir, name), text)
	}
}

func (r *modulesRepo) commit(message string) string {
	r.Helper()
	r.git(r.dir, "add", "--all")
	r.git(r.dir, "commit", "-q", "--allow-empty", "--cleanup=verbatim", "-m", message)
	return r.git(r.dir, "rev-parse", "HEAD")
}

// penstock runs the program, and returns its exit code and what it printed.
func (r *modulesRepo) penstock(args ...string) (int, string) {
	r.Helper()
	var out, errs bytes.Buffer
	p := program{out: &out, err: &errs}
	code := p.run(r.Context(), args)
	return code, out.String() + errs.String()
}

func (r *modulesRepo) dryRun() *release.Outcome {
	r.Helper()
	var out, errs bytes.Buffer
	p := program{out: &out, err: &errs}
	p.run(r.Context(), []string{"release", r.dir, "--dry-run", "--json"})
	o := &release.Outcome{}
	if err := json.Unmarshal(out.Bytes(), o); err != nil {
		r.Fatalf("%v: %s%s", err, out.String(), errs.String())
	}
	return o
}

// evidence writes a report of tests of the head that covers all modules of an outcome.
func (r *modulesRepo) evidence(o *release.Outcome) string {
	r.Helper()
	report := pipelines.Report{Stages: []string{"terratest"}, Selection: pipelines.Selection{Schema: pipelines.SelectionSchema, Head: o.Commit, Total: len(o.Modules)}}
	for _, m := range o.Modules {
		report.Selection.Units = append(report.Selection.Units, pipelines.Unit{Path: m.Unit, Kind: pipelines.Module})
		report.Results = append(report.Results, pipelines.Result{Stage: "terratest", Unit: m.Unit, Verdict: pipelines.Pass})
	}
	report.Close()
	text, err := json.Marshal(report)
	if err != nil {
		r.Fatal(err)
	}
	file := filepath.Join(r.TempDir(), "report.json")
	write(r.T, file, string(text))
	return file
}

// Every change of an interface leads to its version, by release --dry-run on a real
// repository; then all of them are released at once, and verified.
func TestInterfaceChangesLeadToVersions(t *testing.T) {
	if len(interfaceChanges) < 40 {
		t.Fatalf("only %d changes", len(interfaceChanges))
	}
	r := newModulesRepo(t)
	module := func(i int) string { return fmt.Sprintf("modules/m%03d", i) }
	for i, c := range interfaceChanges {
		r.put(module(i), c.before)
	}
	r.commit("before")
	for i, c := range interfaceChanges {
		was := c.was
		if was == "" {
			was = "1.2.3"
		}
		r.git(r.dir, "tag", "-a", "-m", "by hand", module(i)+"/v"+was)
	}
	for i, c := range interfaceChanges {
		message := c.message
		if message == "" {
			message = "chore: change"
		}
		r.put(module(i), c.after)
		r.commit(message)
	}
	r.git(r.dir, "push", "-q", "origin", "main", "--tags")
	o := r.dryRun()
	got := map[string]*release.Module{}
	for _, m := range o.Modules {
		got[m.Module] = m
	}
	want := 0
	for i, c := range interfaceChanges {
		switch m := got[module(i)]; {
		case c.want == "" && m != nil:
			t.Errorf("%s: got %s, because %s", c.name, m.Version, m.Why)
		case c.want == "":
		case m == nil:
			t.Errorf("%s: nothing is released", c.name)
		case m.Version != c.want:
			t.Errorf("%s: got %s, because %s, want %s; %v", c.name, m.Version, m.Why, c.want, m.Changes)
		case len(m.Changelog) < 20 || m.Why == "":
			t.Errorf("%s: the changelog is %q, because %q", c.name, m.Changelog, m.Why)
		}
		if c.want != "" {
			want++
		}
	}
	for _, refusal := range o.Refusals {
		if !refusal.Here {
			t.Errorf("refused: %+v", refusal)
		}
	}
	t.Logf("%d changes, %d released", len(interfaceChanges), want)
	if code, said := r.penstock("release", r.dir, "--evidence", r.evidence(o)); code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	if n := len(strings.Fields(r.git(r.bare, "for-each-ref", "--format=%(refname)", "refs/tags"))); n != len(interfaceChanges)+len(o.Modules) || len(o.Modules) < want {
		t.Errorf("%d tags, want %d", n, len(interfaceChanges)+len(o.Modules))
	}
	if after := r.dryRun(); len(after.Modules) != 0 {
		t.Errorf("after the release %d modules are to be released again", len(after.Modules))
	}
}
