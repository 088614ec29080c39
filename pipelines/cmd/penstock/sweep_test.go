package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

const sweptRun = "20261121-141500-3f9a2c"

// sweptLab is a directory with a module, and a terraform that a test would find.
type sweptLab struct {
	t                       *testing.T
	dir, outside, bin, real string
}

func newSweptLab(t *testing.T) sweptLab {
	t.Helper()
	real, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("SKIPPED: terraform is not on PATH: the commands of docs/sweep.md were not run")
	}
	if _, err := os.Stat(filepath.Join(mirror(), "registry.terraform.io", "hashicorp", "local")); err != nil {
		t.Skip("SKIPPED: there is no provider local: the commands of docs/sweep.md were not run")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l := sweptLab{t: t, dir: t.TempDir(), outside: t.TempDir(), bin: t.TempDir(), real: real}
	if err := os.Symlink(self, filepath.Join(l.bin, "terraform")); err != nil {
		t.Fatal(err)
	}
	code := "variable \"directory\" {}\nresource \"local_file\" \"a\" {\n  filename = \"${var.directory}/a\"\n  content  = \"a\"\n}\n"
	if err := os.WriteFile(filepath.Join(l.dir, "main.tf"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	return l
}

// deploy deploys in a run that is dead, and whose time is over.
func (l sweptLab) deploy(address string) string {
	l.t.Helper()
	states, err := deployed.Open(l.t.Context(), address)
	if err != nil {
		l.t.Fatal(err)
	}
	run, err := deployed.NewRun("tester", ledger.CI{}, -2*time.Hour)
	if err != nil {
		l.t.Fatal(err)
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		l.t.Fatal(err)
	}
	run.Owner.PID = gone.Process.Pid
	if err := states.Begin(l.t.Context(), run); err != nil {
		l.t.Fatal(err)
	}
	config := filepath.Join(l.bin, "cli.tfrc")
	if err := os.WriteFile(config, []byte("provider_installation {\n  filesystem_mirror {\n    path = \""+mirror()+"\"\n  }\n}\n"), 0o600); err != nil {
		l.t.Fatal(err)
	}
	for _, args := range [][]string{{"init"}, {"apply", "-auto-approve", "-var=directory=" + l.outside}} {
		cmd := exec.Command(filepath.Join(l.bin, "terraform"), args...)
		cmd.Dir = l.dir
		cmd.Env = append(os.Environ(), run.Owner.Env(), record.EnvStates+"="+address, record.EnvTerraform+"="+l.real, "TF_CLI_CONFIG_FILE="+config)
		if out, err := cmd.CombinedOutput(); err != nil {
			l.t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	return run.ID
}

// Every command of the documentation does what it says.
func TestSweepDocumentationRuns(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/sweep.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^penstock sweep[^#\n]*`).FindAllString(string(doc), -1)
	if len(commands) < 5 {
		t.Fatalf("the documentation has %q", commands)
	}
	l := newSweptLab(t)
	t.Chdir(t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("PENSTOCK_STATES", "")
	for _, command := range commands {
		t.Run(strings.TrimSpace(command), func(t *testing.T) {
			l.t = t
			address, err := deployed.Default()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(command, "s3://") {
				address = storetest.NewS3(t).Address("tests")
			}
			command := strings.NewReplacer(sweptRun, l.deploy(address), "s3://my-bucket/tests", address).Replace(command)
			var out, said bytes.Buffer
			p := program{in: strings.NewReader(""), out: &out, err: &said}
			code := p.run(context.Background(), append(strings.Fields(command)[1:], "--provider-mirror", mirror()))
			if _, err := os.Stat(filepath.Join(l.outside, "a")); code != pipelines.ExitClean || err == nil {
				t.Errorf("exit %d, and what was deployed is there: %v\n%s%s", code, err == nil, out.String(), said.String())
			}
		})
	}
}

func TestSweepExitCodes(t *testing.T) {
	states := t.TempDir()
	for command, want := range map[string]int{
		"sweep":                            pipelines.ExitUsage,
		"sweep " + sweptRun + " --expired": pipelines.ExitUsage,
		"sweep --expired --dead":           pipelines.ExitUsage,
		"sweep nonsense":                   pipelines.ExitUsage,
		"sweep " + sweptRun:                pipelines.ExitNotRun,
		"sweep --expired":                  pipelines.ExitClean,
	} {
		var out, said bytes.Buffer
		p := program{in: strings.NewReader(""), out: &out, err: &said}
		if code := p.run(context.Background(), append(strings.Fields(command), "--states", states)); code != want {
			t.Errorf("%s: exit %d, want %d\n%s%s", command, code, want, out.String(), said.String())
		}
	}
}

// The example of the documentation compiles, against the Terratest of the module cache.
func TestSweepExampleCompiles(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/sweep.md")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(doc)
	if code == nil {
		t.Fatal("there is no example")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mod := "module example.com/modules/tests\n\ngo 1.26.1\n\nrequire (\n\tgithub.com/gruntwork-io/terratest v1.0.1\n\tgithub.com/penstock-dev/penstock v0.0.0\n)\n\nreplace github.com/penstock-dev/penstock => " + root + "\n"
	for name, text := range map[string][]byte{"go.mod": []byte(mod), "queue_test.go": code[1]} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off")
	tidy := exec.Command("go", "mod", "tidy")
	tidy.Dir, tidy.Env = dir, env
	if out, err := tidy.CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: Terratest is not in the module cache: the example of docs/sweep.md was not compiled: %.300s", out)
	}
	vet := exec.Command("go", "vet", ".")
	vet.Dir, vet.Env = dir, env
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("the example of docs/sweep.md: %v\n%s", err, out)
	}
}
