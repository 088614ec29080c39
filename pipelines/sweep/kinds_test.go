package sweep

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

func TestOpenTofu(t *testing.T) {
	l := newLab(t, "tofu", "local")
	l.begin(time.Hour)
	l.deploy(l.files(), "-var=directory="+l.outside())
	if len(l.objects()) != 3 {
		t.Fatal(l.objects())
	}
	r := l.clean()
	if len(r.Tools) != 1 || r.Tools[0].Name != "opentofu" {
		t.Errorf("tools %v", r.Tools)
	}
}

func TestWorkspacesAndPlanFilesAndVarFiles(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	dir := l.files()
	l.must(os.WriteFile(filepath.Join(l.tmp, "own.tfvars"), []byte("directory = \""+l.outside()+"\"\n"), 0o600))
	l.deploy(dir, "-var-file=../../own.tfvars")
	l.ok(dir, "workspace", "new", "other")
	other := filepath.Join(l.outside(), "other")
	l.must(os.MkdirAll(other, 0o700))
	l.ok(dir, "plan", "-out=p", "-var=directory="+other)
	l.ok(dir, "apply", "-no-color", "p")
	l.must(os.RemoveAll(filepath.Join(l.tmp, "sandbox")))
	l.must(os.Remove(filepath.Join(l.tmp, "own.tfvars")))
	if entries, err := os.ReadDir(other); err != nil || len(entries) != 3 {
		t.Fatalf("%v, %v", entries, err)
	}
	r := l.sweep()
	if r.Verdict != pipelines.Pass {
		t.Errorf("%s\n%s", r.Verdict, said(r))
	}
	if entries, err := os.ReadDir(other); err != nil || len(entries) != 0 || len(l.objects()) != 1 {
		t.Errorf("left: %v, %v, %v", entries, err, l.objects())
	}
	l.emptied()
}

// A backend that the module has for itself is not used, whatever the test says of it.
func TestTheBackendOfTheModuleIsNotUsed(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	dir := l.files()
	l.must(os.WriteFile(filepath.Join(dir, "backend.tf"), []byte("terraform {\n  backend \"s3\" {}\n}\n"), 0o600))
	l.ok(dir, "init", "-no-color", "-backend-config=bucket=nobody", "-backend-config", "key=k")
	l.ok(dir, "apply", "-auto-approve", "-no-color", "-lock=false", "-state=elsewhere", "-var=directory="+l.outside())
	if _, err := os.Stat(filepath.Join(dir, "elsewhere")); err == nil {
		t.Error("the state lies in the sandbox")
	}
	l.clean()
}

const tftest = `
run "files" {
  variables {
    directory    = "DIRECTORY"
    penstock_run = "x"
  }
}
`

// terraform test that ends by itself has undone what it did; one that is killed keeps no state.
func TestTerraformTest(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	dir := l.files()
	l.must(os.WriteFile(filepath.Join(dir, "files.tftest.hcl"), []byte(strings.ReplaceAll(tftest, "DIRECTORY", l.outside())), 0o600))
	l.ok(dir, "init", "-no-color")
	l.ok(dir, "test", "-no-color")
	if r := l.clean(); !slices.ContainsFunc(r.Results, func(r pipelines.Result) bool { return r.Reason == "it was undone" }) {
		t.Error(said(r))
	}

	l.begin(time.Hour)
	dir = l.module("killed", "main.tf", filesCode+"\nresource \"terraform_data\" \"w\" {\n  depends_on = [local_file.a]\n  provisioner \"local-exec\" {\n    command = \"sleep 60\"\n  }\n}\n",
		"files.tftest.hcl", strings.ReplaceAll(tftest, "DIRECTORY", l.outside()))
	l.ok(dir, "init", "-no-color")
	cmd := l.command(dir, "terraform", "test", "-no-color")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	l.must(cmd.Start())
	for deadline := time.Now().Add(time.Minute); len(l.objects()) == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
	}
	l.must(syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	_ = cmd.Wait()
	l.patience = 300 * time.Millisecond
	r := l.sweep()
	if r.Verdict != pipelines.Fail || !slices.Equal(findings(r), []string{"local_file.a", "local_file.b"}) || !strings.Contains(said(r), "keeps no state") {
		t.Errorf("%s\n%s", r.Verdict, said(r))
	}
}

func TestTheTestsOfAUnitThatMakeNothingOutside(t *testing.T) {
	file := "resource \"local_file\" \"a\" {\n  filename = \"x\"\n}\n"
	for name, c := range map[string]struct {
		code, test string
		want       int
	}{
		"applies":        {file, "run \"a\" {\n}\n", 1},
		"only plans":     {file, "run \"a\" {\n  command = plan\n}\n", 0},
		"plans and more": {file, "run \"a\" {\n  command = plan\n}\nrun \"b\" {\n}\n", 1},
		"mocked":         {file, "mock_provider \"local\" {}\nrun \"a\" {\n}\n", 0},
		"mocked by half": {file + "resource \"aws_vpc\" \"a\" {\n}\n", "mock_provider \"local\" {}\nrun \"a\" {\n}\n", 2},
		"an alias":       {file, "mock_provider \"local\" {\n  alias = \"x\"\n}\nrun \"a\" {\n}\n", 1},
		"of another":     {file, "run \"a\" {\n  command = plan\n  module {\n    source = \"./x\"\n  }\n}\n", 1},
		"broken":         {file, "run {", 1},
		"nothing":        {"resource \"terraform_data\" \"a\" {\n}\n", "run \"a\" {\n}\n", 0},
		"a module":       {"module \"m\" {\n  source = \"hashicorp/x/y\"\n}\n", "run \"a\" {\n}\n", 1},
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{"main.tf": c.code, "tests/a.tftest.hcl": c.test} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := outside(dir); len(got) != c.want {
			t.Errorf("%s: %v, want %d", name, got, c.want)
		}
	}
}

// What terraform test could not destroy is a leak; OpenTofu leaves it in a file, and that is swept.
func TestWhatTestsCouldNotDestroy(t *testing.T) {
	for _, program := range []string{"terraform", "tofu"} {
		for _, format := range []string{"-no-color", "-json"} {
			t.Run(program+format, func(t *testing.T) {
				l := newLab(t, program, "local")
				l.begin(time.Hour)
				dir := l.module("m", "main.tf", strings.ReplaceAll(stubborn, "THRESHOLD", "2"), "files.tftest.hcl", strings.ReplaceAll(tftest, "DIRECTORY", l.outside()))
				l.ok(dir, "init", "-no-color")
				_, _ = l.tf(dir, "test", format)
				if len(l.objects()) == 0 {
					t.Fatal("it was destroyed")
				}
				if program == "tofu" {
					l.clean()
					return
				}
				r := l.sweep()
				if r.Verdict != pipelines.Fail || !slices.Equal(findings(r), []string{"local_file.a"}) || !strings.Contains(said(r), "terraform test could not destroy it") {
					t.Errorf("%s\n%s", r.Verdict, said(r))
				}
			})
		}
	}
}

// What cannot be saved is not applied.
func TestAFullDisk(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.must(os.MkdirAll(l.address, 0o700))
	if err := syscall.Mount("tmpfs", l.address, "tmpfs", 0, "size=128k"); err != nil {
		t.Skipf("SKIPPED: no small file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(l.address, syscall.MNT_DETACH) })
	l.begin(time.Hour)
	dir := l.files()
	l.ok(dir, "init", "-no-color")
	l.must(fill(filepath.Join(l.address, "fill")))
	code, out := l.tf(dir, "apply", "-auto-approve", "-no-color", "-var=directory="+l.outside())
	if code != 1 || !strings.Contains(out, "no space left on device; nothing was applied") || len(l.objects()) != 0 {
		t.Errorf("exit %d, %q: %s", code, l.objects(), out)
	}
	l.must(os.Remove(filepath.Join(l.address, "fill")))
	l.deploy(dir, "-var=directory="+l.outside())
	l.clean()
}

// fill writes until the disk is full.
func fill(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		if _, err := f.Write(bytes.Repeat([]byte("x"), 512)); err != nil {
			return nil
		}
	}
}

// With states in a bucket the sweep can run elsewhere. Terraform writes such a state only
// now and then: what was made since is found by what was intended.
func TestStatesInABucket(t *testing.T) {
	l := newLab(t, "terraform", "local")
	s3 := storetest.NewS3(t)
	l.address = s3.Address("tests")
	l.env = append(l.env, s3.Env()...)
	l.begin(time.Hour)
	dir := l.files()
	l.deploy(dir, "-var=directory="+l.outside())
	l.ok(dir, "workspace", "new", "other")
	r := l.clean()
	if r.Results[1].Judged["objects"] != 3 {
		t.Error(said(r))
	}

	l.begin(time.Hour)
	dir = l.module("cut", "main.tf", strings.Replace(filesCode, "module \"b\" {", "resource \"terraform_data\" \"w\" {\n  depends_on = [local_file.a]\n  provisioner \"local-exec\" {\n    command = \"sleep 60\"\n  }\n}\nmodule \"b\" {", 1))
	l.ok(dir, "init", "-no-color")
	cmd := l.command(dir, "terraform", "apply", "-auto-approve", "-no-color", "-var=directory="+l.outside())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	l.must(cmd.Start())
	for deadline := time.Now().Add(time.Minute); len(l.objects()) < 3 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
	}
	l.must(syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	_ = cmd.Wait()
	d := l.one()
	if _, err := l.states.State(context.Background(), d.Run, d.ID, "default"); err == nil {
		t.Log("terraform had written its state")
	}
	l.patience = 300 * time.Millisecond
	r = l.clean()
	if r.Results[1].Judged["orphans_adopted"] != 3 {
		t.Error(said(r))
	}
}

// A bucket that does not answer is said, and nothing is taken for gone.
func TestABucketThatIsDown(t *testing.T) {
	l := newLab(t, "terraform", "local")
	s3 := storetest.NewS3(t)
	l.address = s3.Address("tests")
	l.env = append(l.env, append(s3.Env(), "AWS_MAX_ATTEMPTS=1")...)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	l.begin(time.Hour)
	dir := l.files()
	l.deploy(dir, "-var=directory="+l.outside())
	s3.Down.Store(true)
	if r, err := l.sweeper().Run(t.Context()); err == nil {
		t.Errorf("%s\n%s", r.Verdict, said(r))
	}
	if code, out := l.tf(dir, "apply", "-auto-approve", "-no-color", "-var=directory="+l.outside()); code != 1 {
		t.Errorf("exit %d: %s", code, out)
	}
	s3.Down.Store(false)
	l.clean()
}

// Without a run the shim is terraform.
func TestWithoutARunItIsTerraform(t *testing.T) {
	l := newLab(t, "terraform", "local")
	dir := l.module("m", "main.tf", "resource \"terraform_data\" \"a\" {\n}\n")
	for _, env := range [][]string{nil, {"PENSTOCK_RUN=20261121t075459123456789z-abcdefghijklmnopqrstuvwxyz"}} {
		for _, args := range [][]string{{"init"}, {"apply", "-auto-approve"}, {"destroy", "-auto-approve"}, {"version"}} {
			cmd := exec.Command(filepath.Join(l.bin, "terraform"), args...)
			cmd.Dir, cmd.Env = dir, append(slices.Clone(l.env), env...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %v: %s", args, err, out)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, record.Override)); err == nil {
		t.Error("a state was put elsewhere")
	}
	var unbegun deployed.Run
	unbegun.ID = "20261121-141500-3f9a2c"
	unbegun.Owner.Run = unbegun.ID
	l.run = unbegun
	if code, out := l.tf(dir, "apply", "-auto-approve"); code != 1 || !strings.Contains(out, "looking for the run of this test") {
		t.Errorf("exit %d: %s", code, out)
	}
}
