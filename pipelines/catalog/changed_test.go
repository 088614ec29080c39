package catalog

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// repository is small, but has an edge of every kind.
var repository = map[string]string{
	"modules/vpc/main.tf":             `resource "aws_vpc" "this" {}`,
	"modules/vpc/README.md":           "prose",
	"modules/eks-cluster/main.tf":     `module "vpc" { source = "../vpc" }`,
	"modules/files/main.tf":           "locals {\n a = file(\"${path.module}/a.txt\")\n b = templatefile(\"./tpl/${var.x}.tpl\", {})\n c = fileset(path.module, \"set/*.json\")\n}",
	"modules/files/a.txt":             "a",
	"modules/files/tpl/x.tpl":         "x",
	"modules/files/set/1.json":        "{}",
	"modules/json/main.tf.json":       `{"module": {"v": {"source": "../vpc//"}}, "locals": {"t": "${file(\"${path.module}/../files/a.txt\")}"}}`,
	"modules/tofu/main.tofu":          `locals { a = 1 }`,
	"modules/tofu/terraform.tfvars":   `a = 1`,
	"examples/eks/main.tf":            `module "eks" { source = "../../modules/eks-cluster" }`,
	"test/vpc_test.go":                "package test\nvar dir = \"../modules/vpc\"\n",
	"live/root.hcl":                   `locals { x = 1 }`,
	"live/net/terragrunt.hcl":         "include \"root\" {\n path = find_in_parent_folders(\"root.hcl\")\n}\nterraform {\n source = \"../../modules//vpc\"\n}",
	"live/app/terragrunt.hcl":         "dependency \"net\" {\n config_path = \"../net\"\n}",
	"modules/.terraform/x/main.tf":    `locals {}`,
	"modules/broken/main.tf":          `resource "`,
	"modules/root-reader/main.tf":     `locals { a = file("${path.root}/config.json") }`,
	"modules/vpc/tests/a.tftest.hcl":  "run \"x\" {\n  module {\n    source = \"./tests/setup\"\n  }\n}\n",
	"modules/vpc/tests/setup/main.tf": `locals {}`,
}

func changed(t *testing.T, edit func(map[string]string), symlinks map[string]string) map[string][]string {
	t.Helper()
	after := maps.Clone(repository)
	edit(after)
	c := &config.Config{Version: 1}
	s, err := Changed(t.Context(), git.InMemory(repository, symlinks), git.InMemory(after, symlinks), c, c)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, unit := range s.Units {
		got[unit.Path] = unit.Why
	}
	return got
}

// always are the units whose closure cannot be told from their text.
var always = []string{"modules/broken", "modules/root-reader"}

func TestChangedFollowsEachKindOfEdge(t *testing.T) {
	for name, test := range map[string]struct {
		path string
		want []string
	}{
		"module sources, tests, terragrunt": {"modules/vpc/main.tf", []string{"modules/vpc", "modules/eks-cluster", "modules/json", "examples/eks", "test", "live/net", "live/app"}},
		"file":                              {"modules/files/a.txt", []string{"modules/files", "modules/json"}},
		"template with a part":              {"modules/files/tpl/x.tpl", []string{"modules/files"}},
		"fileset":                           {"modules/files/set/new.json", []string{"modules/files"}},
		"tfvars":                            {"modules/tofu/terraform.tfvars", []string{"modules/tofu"}},
		"include":                           {"live/root.hcl", []string{"live/net", "live/app"}},
		"prose is no input":                 {"modules/vpc/README.md", nil},
		"elsewhere":                         {"docs/x.txt", nil},
		"module of a test file":             {"modules/vpc/tests/setup/main.tf", []string{"modules/vpc", "modules/vpc/tests/setup", "modules/eks-cluster", "modules/json", "examples/eks", "test", "live/net", "live/app"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := changed(t, func(files map[string]string) { files[test.path] += "\n" }, nil)
			for _, unit := range append(test.want, always...) {
				if _, ok := got[unit]; !ok {
					t.Errorf("%s was missed", unit)
				}
				delete(got, unit)
			}
			if len(got) > 0 {
				t.Errorf("selected without need: %v", got)
			}
		})
	}
}

func TestWhyIsAChain(t *testing.T) {
	got := changed(t, func(files map[string]string) { files["modules/vpc/main.tf"] += "\n" }, nil)
	want := []string{"examples/eks", "modules/eks-cluster", "modules/vpc/main.tf changed"}
	if !reflect.DeepEqual(got["examples/eks"], want) {
		t.Errorf("got %q, want %q", got["examples/eks"], want)
	}
}

func TestDeletedDependencySelectsItsUser(t *testing.T) {
	got := changed(t, func(files map[string]string) { delete(files, "modules/vpc/main.tf") }, nil)
	if why := strings.Join(got["examples/eks"], " <- "); !strings.HasSuffix(why, "modules/vpc/main.tf deleted") {
		t.Errorf("got %q", why)
	}
}

func TestSharedInputsSelectAll(t *testing.T) {
	for _, path := range []string{"penstock.yaml", ".terraform-version", ".tflint.hcl"} {
		got := changed(t, func(files map[string]string) { files[path] = "version: 1" }, nil)
		if len(got) < 12 {
			t.Errorf("%s selected only %v", path, got)
		}
	}
}

func TestSymlinksLeadToTheirTargets(t *testing.T) {
	links := map[string]string{"modules/linked/main.tf": "../vpc/main.tf", "alias": "modules", "modules/loop/main.tf": "../loop/main.tf"}
	after := func(files map[string]string) {
		files["modules/vpc/main.tf"] += "\n"
	}
	if got := changed(t, after, links); got["modules/linked"] == nil {
		t.Errorf("the linked file was missed: %v", got)
	}
}
