package terratest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// fileTF makes a file in the world; a destroy fails while there is a file "stuck".
const fileTF = `variable "world" { type = string }
variable "name" { type = string }
variable "penstock_run" { type = string }
resource "local_file" "f" {
  filename = "${var.world}/${var.name}"
  content  = var.penstock_run
  provisioner "local-exec" {
    when    = destroy
    command = "test ! -e ${dirname(self.filename)}/stuck"
  }
}
`

// tf is how the tests of these packages call terraform: as they find it on PATH.
const tf = `
func tf(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("terraform", args...)
	cmd.Dir = "../../modules/file"
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil { t.Fatal(err) }
}
`

func pkg(imports, body string) string {
	return "package tests\nimport (\n\t" + strings.ReplaceAll(imports, " ", "\n\t") + "\n)\n" + tf + body
}

// What a test leaves is swept: when it forgets, and when it is killed. Where that fails it
// is a leak, by its address, and fails the run.
func TestWhatTestsLeaveIsSwept(t *testing.T) {
	needsTerraform(t)
	from := mirror(t)
	world := t.TempDir()
	t.Setenv("WORLD", world)
	t.Setenv("TF_VAR_world", world)
	root := place(t, map[string]string{"modules/file/main.tf": fileTF,
		"tests/forgets/a_test.go": pkg(`"os/exec" "testing"`, `
func TestForgets(t *testing.T) { tf(t, "init", "-input=false"); tf(t, "apply", "-auto-approve", "-var=name=forgotten") }
`),
		"tests/hangs/a_test.go": pkg(`"os" "os/exec" "os/signal" "testing" "time"`, `
func TestHangs(t *testing.T) {
	signal.Ignore(os.Interrupt)
	tf(t, "init", "-input=false")
	tf(t, "apply", "-auto-approve", "-var=name=hanging")
	time.Sleep(time.Hour)
}
`)})
	s := stage(t, root)
	s.Mirror = from
	soften := make(chan struct{})
	s.soften = soften
	s.Soft, s.Hard = time.Hour, time.Hour+time.Second
	go func() {
		for _, err := os.Stat(world + "/hanging"); err != nil; _, err = os.Stat(world + "/hanging") {
			time.Sleep(10 * time.Millisecond)
		}
		for _, err := os.Stat(world + "/forgotten"); err != nil; _, err = os.Stat(world + "/forgotten") {
			time.Sleep(10 * time.Millisecond)
		}
		close(soften)
	}()
	r := run(t, s)
	if c := outcomes(r)["tests/hangs:TestHangs"]; c.Status != "failed" {
		t.Errorf("%+v", c)
	}
	if left, _ := os.ReadDir(world); len(left) != 0 {
		t.Errorf("it is left: %v", left)
	}
	swept := 0
	for _, result := range r.Results {
		if result.Stage == "sweep" {
			swept++
			if result.Verdict != pipelines.Pass {
				t.Errorf("%+v", result)
			}
		}
	}
	if swept < 2 {
		t.Errorf("%d results of the sweep", swept)
	}
}

func TestALeakFailsTheRun(t *testing.T) {
	needsTerraform(t)
	from := mirror(t)
	world := t.TempDir()
	t.Setenv("TF_VAR_world", world)
	root := place(t, map[string]string{"modules/file/main.tf": fileTF, "tests/a/a_test.go": pkg(`"os/exec" "testing"`, `
func TestForgets(t *testing.T) { tf(t, "init", "-input=false"); tf(t, "apply", "-auto-approve", "-var=name=stuck") }
`)})
	s := stage(t, root)
	s.Mirror = from
	r := run(t, s)
	if c := outcomes(r)["tests/a:TestForgets"]; c.Status != "passed" {
		t.Errorf("%+v", c)
	}
	leaks := 0
	for _, result := range r.Results {
		for _, f := range result.Findings {
			if result.Stage == "sweep" && f.Resource == "local_file.f" {
				leaks++
			}
		}
	}
	if leaks != 1 || r.Verdict != pipelines.Fail {
		t.Errorf("%s, %d leaks: %+v", r.Verdict, leaks, r.Results)
	}
	content, err := os.ReadFile(filepath.Join(world, "stuck"))
	if err != nil || len(content) != len("20261121-141500-3f9a2c") {
		t.Errorf("%v: the run is not in what was made: %q", err, content)
	}
}

// At the soft deadline terraform is in the middle of an apply: it hears of it, ends in order,
// and what it had made is swept.
func TestTheSoftDeadlineDuringAnApply(t *testing.T) {
	needsTerraform(t)
	from := mirror(t)
	world := t.TempDir()
	t.Setenv("TF_VAR_world", world)
	slow := fileTF + `
resource "terraform_data" "slow" {
  depends_on = [local_file.f]
  provisioner "local-exec" {
    command = "exec sleep 3600"
  }
}
`
	root := place(t, map[string]string{"modules/file/main.tf": slow, "tests/slow/a_test.go": pkg(`"os/exec" "testing"`, `
func TestSlow(t *testing.T) { tf(t, "init", "-input=false"); tf(t, "apply", "-auto-approve", "-no-color", "-var=name=made") }
`)})
	s := stage(t, root)
	s.Mirror = from
	soften := make(chan struct{})
	s.soften = soften
	s.Soft, s.Hard = time.Hour, 2*time.Hour // nothing is killed here
	go func() {
		for _, err := os.Stat(world + "/made"); err != nil; _, err = os.Stat(world + "/made") {
			time.Sleep(10 * time.Millisecond)
		}
		close(soften)
	}()
	r := run(t, s)
	if c := outcomes(r)["tests/slow:TestSlow"]; c.Status != "failed" {
		t.Errorf("%+v", c)
	}
	if left, _ := os.ReadDir(world); len(left) != 0 {
		t.Errorf("it is left: %v", left)
	}
	for _, result := range r.Results {
		if result.Stage == "sweep" && result.Verdict != pipelines.Pass {
			t.Errorf("%+v", result)
		}
	}
}
