//go:build linux

package terratest

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// small mounts a file system of 256 KiB.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("SKIPPED: no small file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// Where there is no room for the sandbox nothing is tested, and that is said.
func TestNoRoomForTheSandbox(t *testing.T) {
	root := place(t, map[string]string{"tests/a/a_test.go": "func TestA(t *testing.T) {}\n", "tests/b/b_test.go": "func TestB(t *testing.T) {}\n",
		"modules/big/fixture.bin": strings.Repeat("x", 1<<20)})
	s := stage(t, root)
	t.Setenv("TMPDIR", small(t))
	r := run(t, s)
	for _, unit := range []string{"tests/a", "tests/b"} {
		if got := resultOf(t, r, unit); got.Verdict != pipelines.NotRun || !strings.Contains(got.Reason, "no space left on device") {
			t.Errorf("%+v", got)
		}
	}
	if r.Verdict != pipelines.NotRun {
		t.Error(r.Verdict)
	}
}

// Where there is no room for the logs the verdicts stand, and what is missing is said.
func TestNoRoomForTheLogs(t *testing.T) {
	root := place(t, map[string]string{"tests/a/a_test.go": "func TestLoud(t *testing.T) { for range 10_000 { fmt.Println(strings.Repeat(\"x\", 99)) } }\nfunc TestBad(t *testing.T) { t.Fatal(1) }\n"})
	s := stage(t, root)
	s.Out = filepath.Join(small(t), "out")
	r := run(t, s)
	expect(t, r, pipelines.Fail, map[string]string{"tests/a:TestLoud": "passed", "tests/a:TestBad": "failed"})
	said := ""
	for _, n := range r.Notices {
		said += n.Message + "\n"
	}
	if !strings.Contains(said, "the log of tests/a:TestLoud is not complete: keeping the log: ") || !strings.Contains(said, "no space left") {
		t.Error(said)
	}
}

// Two runs of one example at the same time do not meet, neither in the sandbox nor in the
// states, and each sweeps after itself alone.
func TestTwoRunsAtOnce(t *testing.T) {
	needsTerraform(t)
	from := mirror(t)
	world, states := t.TempDir(), t.TempDir()
	t.Setenv("TF_VAR_world", world)
	root := place(t, map[string]string{"examples/e/main.tf": `variable "world" { type = string }
variable "penstock_run" { type = string }
resource "local_file" "f" {
  filename = "${var.world}/${var.penstock_run}"
  content  = var.penstock_run
  provisioner "local-exec" { command = "echo ${var.penstock_run} >> ${var.world}/log" }
}
`, "examples/e/one.tfvars": "", "penstock.yaml": "version: 1\nterratest: {examples: [{unit: examples/e, vars: [one.tfvars]}]}\n"})
	var wg sync.WaitGroup
	for range 2 {
		s := stage(t, root)
		s.Mirror, s.States = from, states
		wg.Go(func() {
			r, err := s.Run(t.Context())
			if err != nil || r.Verdict != pipelines.Pass || outcomes(r)["examples/e:one.tfvars"].Status != "passed" {
				t.Errorf("%v: %+v", err, r)
			}
		})
	}
	wg.Wait()
	log, err := os.ReadFile(world + "/log")
	runs := strings.Fields(string(log))
	if err != nil || len(runs) != 2 || runs[0] == runs[1] {
		t.Errorf("%v: %q", err, runs)
	}
	if left, _ := os.ReadDir(world); len(left) != 1 {
		t.Errorf("it is left: %v", left)
	}
}
