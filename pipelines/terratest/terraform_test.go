package terratest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// needsTerraform skips where there is none, and keeps the CLI configuration of whoever
// runs the tests out.
func needsTerraform(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("SKIPPED: terraform is not on PATH")
	}
	t.Setenv("TF_CLI_CONFIG_FILE", os.DevNull)
}

// mirror is the filesystem mirror with the local provider.
func mirror(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PENSTOCK_TEST_PROVIDERS")
	if dir == "" {
		cache := os.Getenv("PENSTOCK_CACHE")
		if home, err := os.UserHomeDir(); cache == "" && err == nil {
			cache = filepath.Join(home, ".cache", "penstock")
		}
		dir = filepath.Join(cache, "providers")
	}
	if _, err := os.Stat(filepath.Join(dir, "registry.terraform.io/hashicorp/local")); err != nil {
		t.Skip("SKIPPED: there is no local provider in " + dir + ": run .ci/providers")
	}
	return dir
}

const moduleTF = `variable "name" {
  type    = string
  default = "x"
}
resource "terraform_data" "this" { input = var.name }
output "name" { value = terraform_data.this.output }
`

func TestRunBlocksAreCases(t *testing.T) {
	needsTerraform(t)
	root := place(t, map[string]string{"modules/a/main.tf": moduleTF, "modules/a/tests/module.tftest.hcl": `
run "named" {
  assert {
    condition     = output.name == "x"
    error_message = "it is not named"
  }
}
run "wrong" {
  variables { name = "y" }
  assert {
    condition     = output.name == "x"
    error_message = "it is y"
  }
}
run "breaks" {
  variables { name = file("missing") }
}
run "after" { command = plan }
`, "modules/a/b.tftest.hcl": `run "planned" { command = plan }`,
		"modules/c/main.tf": moduleTF})
	s := stage(t, root)
	r := run(t, s)
	expect(t, r, pipelines.NotRun, map[string]string{"modules/a:tests/module.tftest.hcl/named": "passed", "modules/a:tests/module.tftest.hcl/wrong": "failed",
		"modules/a:tests/module.tftest.hcl/breaks": "failed", "modules/a:tests/module.tftest.hcl/after": "not_run", "modules/a:b.tftest.hcl/planned": "passed"})
	if len(r.Tools) == 0 || r.Tools[0].Name != "terraform" || r.Tools[0].Version == "" {
		t.Errorf("%+v", r.Tools)
	}
	wrong := outcomes(r)["modules/a:tests/module.tftest.hcl/wrong"]
	if wrong.Reason != "Test assertion failed: it is y" || !strings.Contains(wrong.Output, `output.name == "x"`) || strings.Contains(wrong.Output, "named") {
		t.Errorf("%+v", wrong)
	}
	if f := resultOf(t, r, "modules/a").Findings; f[len(f)-1].Path != "modules/a/tests/module.tftest.hcl" || f[0].Line < 10 {
		t.Errorf("%+v", f)
	}
	// A module that nothing exercises is not known to work.
	if c := resultOf(t, r, "modules/c"); c.Verdict != pipelines.NotRun || c.Reason != "no case exercises it" {
		t.Errorf("%+v", c)
	}
}

func TestAFileOfRunsThatCannotBeReadIsNotRun(t *testing.T) {
	r := run(t, stage(t, place(t, map[string]string{"modules/b/main.tf": moduleTF, "modules/b/tests/broken.tftest.hcl": "run \"x\" {\n"})))
	expect(t, r, pipelines.NotRun, map[string]string{"modules/b:tests/broken.tftest.hcl": "not_run"})
	if f := resultOf(t, r, "modules/b").Findings; len(f) != 1 || f[0].Path != "modules/b/tests/broken.tftest.hcl" || f[0].Line == 0 {
		t.Errorf("%+v", f)
	}
}

func TestExamplesAreAppliedAndDestroyed(t *testing.T) {
	needsTerraform(t)
	world := t.TempDir()
	t.Setenv("TF_VAR_world", world)
	root := place(t, map[string]string{"examples/e/main.tf": `
variable "world" { type = string }
variable "name" { type = string }
resource "local_file" "f" {
  filename = "${var.world}/${var.name}"
  content  = var.name
}
resource "terraform_data" "log" {
  input = "${var.world}/log"
  provisioner "local-exec" { command = "echo ${var.name} >> ${var.world}/log" }
}
`, "examples/e/small.tfvars": "name = \"small\"\n", "examples/e/broken.tfvars": "name = [\n",
		"examples/restless/main.tf": "resource \"terraform_data\" \"t\" {\n  input = timestamp()\n}\n", "examples/restless/none.tfvars": "",
		"penstock.yaml": `version: 1
terratest:
  examples:
    - {unit: examples/e, vars: [small.tfvars, broken.tfvars, missing.tfvars]}
    - {unit: examples/restless, vars: [none.tfvars]}
    - {unit: examples/gone, vars: [x.tfvars]}
`})
	s := stage(t, root)
	s.Mirror = mirror(t)
	r := run(t, s)
	expect(t, r, pipelines.NotRun, map[string]string{"examples/e:small.tfvars": "passed", "examples/e:broken.tfvars": "failed", "examples/e:missing.tfvars": "not_run",
		"examples/restless:none.tfvars": "failed"})
	if reason := outcomes(r)["examples/restless:none.tfvars"].Reason; reason != "the second plan is not empty: terraform_data.t will be updated in-place" {
		t.Error(reason)
	}
	if reason := outcomes(r)["examples/e:broken.tfvars"].Reason; !strings.HasPrefix(reason, "apply: Error: ") {
		t.Error(reason)
	}
	left, err := os.ReadDir(world)
	if err != nil || len(left) != 1 || left[0].Name() != "log" {
		t.Errorf("%v: what is left of the world is %v", err, left)
	}
	if len(r.Notices) != 1 || r.Notices[0].Message != `the example "examples/gone" is no unit` {
		t.Errorf("%+v", r.Notices)
	}
}
