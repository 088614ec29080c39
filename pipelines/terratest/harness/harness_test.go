package harness_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/sweep"
	"github.com/penstock-dev/penstock/pipelines/terratest/harness"
	"github.com/penstock-dev/penstock/pipelines/terratest/shim"
)

// The test binary is also the terraform that tests find with penstock around them.
func TestMain(m *testing.M) {
	if shim.Called(os.Args[0]) {
		os.Exit(shim.Main(context.Background(), os.Args))
	}
	os.Exit(m.Run())
}

// TestOfAnAuthor is what the other tests run in a process of its own, in one way or another.
func TestOfAnAuthor(t *testing.T) {
	mode := os.Getenv("HARNESS_TEST_MODE")
	if mode == "" {
		return // on its own it is no test
	}
	box := harness.New(t, os.Getenv("HARNESS_TEST_MODULE"))
	vars := box.Vars(map[string]any{"directory": os.Getenv("HARNESS_TEST_OUTSIDE"), "name": box.Name, "wait": os.Getenv("HARNESS_TEST_WAIT")})
	terraform := func(args ...string) error {
		for name, value := range vars {
			if args[0] != "init" {
				args = append(args, fmt.Sprintf("-var=%s=%s", name, value))
			}
		}
		cmd := exec.Command("terraform", args...)
		cmd.Dir, cmd.Env = box.Dir, os.Environ()
		for name, value := range box.Env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		out, err := cmd.CombinedOutput()
		fmt.Print(string(out))
		return err
	}
	box.Undo(func() error {
		fmt.Println("UNDO")
		return terraform("destroy", "-auto-approve", "-no-color", "-input=false")
	})
	if err := terraform("init", "-no-color", "-input=false"); err != nil {
		t.Fatal(err)
	}
	if err := terraform("apply", "-auto-approve", "-no-color", "-input=false"); err != nil {
		t.Fatal(err)
	}
	fmt.Println("DEPLOYED")
	switch mode {
	case "panic":
		panic("a test that panics")
	case "hang": // deaf to everything
		time.Sleep(10 * time.Minute)
	case "wait":
		<-box.Context.Done()
	}
}

const module = `
variable "directory" { type = string }
variable "name" { type = string }
variable "wait" { type = string }
variable "penstock_run" { type = string }
resource "local_file" "first" {
  filename = "${var.directory}/${var.name}-first"
  content  = var.penstock_run
}
resource "time_sleep" "wait" {
  create_duration = var.wait
  depends_on      = [local_file.first]
}
module "b" {
  source     = "../shared"
  directory  = var.directory
  depends_on = [time_sleep.wait]
}
`

const shared = `
variable "directory" { type = string }
resource "local_file" "shared" {
  filename = "${var.directory}/shared"
  content  = file("${path.module}/../besides.txt")
}
`

type child struct {
	t                            *testing.T
	tmp, outside, states, mirror string
	env                          []string
	cmd                          *exec.Cmd
	out                          bytes.Buffer
	run                          string
}

// newChild prepares a module and a place for its states, without penstock around.
func newChild(t *testing.T) *child {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("SKIPPED: terraform is not on PATH")
	}
	home, err := os.UserHomeDir()
	c := &child{t: t, tmp: t.TempDir(), mirror: filepath.Join(home, ".cache", "penstock", "providers")}
	c.must(err)
	for _, name := range []string{"local", "time"} {
		if _, err := os.Stat(filepath.Join(c.mirror, "registry.terraform.io", "hashicorp", name)); err != nil {
			t.Skipf("SKIPPED: the provider %s is not in the mirror: .ci/providers builds it", name)
		}
	}
	c.outside, c.states = filepath.Join(c.tmp, "outside"), filepath.Join(c.tmp, "states")
	for name, text := range map[string]string{"modules/files/main.tf": module, "modules/shared/main.tf": shared, "modules/besides.txt": "x",
		"modules/files/terraform.tfstate": "left by somebody",
		"cli.tfrc":                        "provider_installation {\n  filesystem_mirror {\n    path = \"" + c.mirror + "\"\n  }\n}\n", "outside/.keep": ""} {
		c.must(os.MkdirAll(filepath.Dir(filepath.Join(c.tmp, name)), 0o700))
		c.must(os.WriteFile(filepath.Join(c.tmp, name), []byte(text), 0o600))
	}
	c.must(os.Remove(filepath.Join(c.outside, ".keep")))
	c.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.tmp, "TF_CLI_CONFIG_FILE=" + filepath.Join(c.tmp, "cli.tfrc"), "CHECKPOINT_DISABLE=1",
		record.EnvStates + "=" + c.states, "HARNESS_TEST_MODULE=" + filepath.Join(c.tmp, "modules", "files"), "HARNESS_TEST_OUTSIDE=" + c.outside}
	return c
}

func (c *child) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// around puts penstock around the test.
func (c *child) around() {
	c.t.Helper()
	states, err := deployed.Open(c.t.Context(), c.states)
	c.must(err)
	r, err := deployed.NewRun("tester", ledger.CI{}, time.Hour)
	c.must(err)
	c.must(states.Begin(c.t.Context(), r))
	self, err := os.Executable()
	c.must(err)
	real, err := exec.LookPath("terraform")
	c.must(err)
	bin := filepath.Join(c.tmp, "bin")
	c.must(os.Mkdir(bin, 0o700))
	c.must(os.Symlink(self, filepath.Join(bin, "terraform")))
	c.env = append(c.env, "PATH="+bin+":"+os.Getenv("PATH"), r.Owner.Env(), record.EnvTTL+"="+r.TTL.Format(time.RFC3339), record.EnvTerraform+"="+real)
}

func (c *child) start(mode, wait string) {
	c.t.Helper()
	self, err := os.Executable()
	c.must(err)
	c.cmd = exec.Command(self, "-test.run=^TestOfAnAuthor$", "-test.v")
	c.cmd.Env = append(slices.Clone(c.env), "HARNESS_TEST_MODE="+mode, "HARNESS_TEST_WAIT="+wait)
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.must(c.cmd.Start())
	c.t.Cleanup(func() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) })
}

// objects are the files outside.
func (c *child) objects() []string {
	c.t.Helper()
	entries, err := os.ReadDir(c.outside)
	c.must(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (c *child) until(what string, holds func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("waiting for %s: it did not come", what)
		}
	}
}

// signal reaches the whole process group, as at the soft deadline.
func (c *child) signal(s syscall.Signal) {
	c.t.Helper()
	c.must(syscall.Kill(-c.cmd.Process.Pid, s))
}

// ends waits for the end, and holds what is left against what is promised.
func (c *child) ends(pass bool) {
	c.t.Helper()
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	if (err == nil) != pass {
		c.t.Errorf("the test ended with %v", err)
	}
	if n := strings.Count(c.out.String(), "UNDO"); n != 1 {
		c.t.Errorf("it was undone %d times", n)
	}
	if left := c.objects(); len(left) > 0 {
		c.t.Errorf("%q is left", left)
	}
	if c.t.Failed() {
		c.t.Logf("%s", c.out.String())
	}
}

// sweeps sweeps the one run of the states.
func (c *child) sweeps() *pipelines.Report {
	c.t.Helper()
	states, err := deployed.Open(c.t.Context(), c.states)
	c.must(err)
	runs, err := states.Runs(c.t.Context())
	c.must(err)
	if len(runs) != 1 {
		c.t.Fatalf("there are the runs %q", runs)
	}
	r, err := sweep.Sweep{States: c.states, ID: runs[0], Mirror: c.mirror, Patience: time.Second, Pause: time.Millisecond}.Run(c.t.Context())
	c.must(err)
	return r
}

func TestItIsUndoneWhenTheTestEnds(t *testing.T) {
	for name, around := range map[string]bool{"alone": false, "with penstock around": true} {
		t.Run(name, func(t *testing.T) {
			c := newChild(t)
			if around {
				c.around()
			}
			c.start("end", "1ms")
			c.ends(true)
			undone, err := filepath.Glob(filepath.Join(c.states, "runs", "*", "*", "undone.json"))
			if err != nil || len(undone) != 1 {
				t.Errorf("it is not said to be undone: %q, %v", undone, err)
			}
		})
	}
}

func TestItIsUndoneWhenTheTestPanics(t *testing.T) {
	c := newChild(t)
	c.start("panic", "1ms")
	c.ends(false)
	if !strings.Contains(c.out.String(), "a test that panics") {
		t.Error(c.out.String())
	}
}

// At the soft deadline the group gets SIGINT.
func TestItIsUndoneWhenTheRunIsInterrupted(t *testing.T) {
	for _, mode := range []string{"wait", "hang", "during apply"} {
		for name, around := range map[string]bool{"alone": false, "with penstock around": true} {
			t.Run(mode+" "+name, func(t *testing.T) {
				t.Parallel()
				c := newChild(t)
				if around {
					c.around()
				}
				if mode == "during apply" {
					c.start("end", "5s")
					c.until("the first object", func() bool { return len(c.objects()) > 0 })
				} else {
					c.start(mode, "1ms")
					c.until("the deployment", func() bool { return len(c.objects()) == 2 })
					time.Sleep(300 * time.Millisecond) // until terraform has said so
				}
				c.signal(syscall.SIGINT)
				c.ends(mode == "wait")
			})
		}
	}
}

// What is killed is swept, with the variables that the test gave, and with the sandbox gone.
func TestWhatIsKilledIsSwept(t *testing.T) {
	c := newChild(t)
	c.start("hang", "1ms")
	c.until("the deployment", func() bool { return len(c.objects()) == 2 })
	time.Sleep(300 * time.Millisecond) // until terraform has written its state
	if r := c.sweeps(); r.Verdict != pipelines.NotRun {
		t.Errorf("a run that lives was swept: %v", r.Verdict)
	}
	c.signal(syscall.SIGKILL)
	_ = c.cmd.Wait()
	r := c.sweeps()
	if left := c.objects(); r.Verdict != pipelines.Pass || len(left) > 0 {
		t.Errorf("%v, and %q is left: %+v", r.Verdict, left, r.Results)
	}
}

func TestABoxIsACopyWithTheTagsOfTheRun(t *testing.T) {
	c := newChild(t)
	t.Setenv(record.EnvRun, "20261121-141500-3f9a2c")
	t.Setenv(record.EnvTTL, "2026-11-22T14:15:00Z")
	t.Setenv(record.EnvStates, c.states)
	box, other := harness.New(t, filepath.Join(c.tmp, "modules", "files")), harness.New(t, filepath.Join(c.tmp, "modules", "files"))
	if !regexp.MustCompile(`^t3f9a2c-[0-9a-f]{4}$`).MatchString(box.Name) || box.Name == other.Name || box.Dir == other.Dir {
		t.Errorf("%q in %q, %q in %q", box.Name, box.Dir, other.Name, other.Dir)
	}
	for name, want := range map[string]string{"TF_VAR_penstock_run": "20261121-141500-3f9a2c", "TF_AWS_DEFAULT_TAGS_penstock:run": "20261121-141500-3f9a2c",
		"TF_AWS_DEFAULT_TAGS_penstock:ttl": "2026-11-22T14:15:00Z"} {
		if box.Env[name] != want {
			t.Errorf("%s is %q", name, box.Env[name])
		}
	}
	if box.Tags["penstock:run"] != "20261121-141500-3f9a2c" || box.Tags["penstock:ttl"] != "2026-11-22T14:15:00Z" {
		t.Errorf("tags %v", box.Tags)
	}
	for file, there := range map[string]bool{"main.tf": true, "../shared/main.tf": true, "../besides.txt": true, "terraform.tfstate": false} {
		if _, err := os.Stat(filepath.Join(box.Dir, file)); (err == nil) != there {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestTheHarnessNeedsTheStandardLibraryOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "github.com/penstock-dev/penstock/pipelines/deployed/record") && !strings.HasPrefix(line, "github.com/penstock-dev/penstock/pipelines/terratest/harness") {
			t.Errorf("it needs %s", line)
		}
	}
}
