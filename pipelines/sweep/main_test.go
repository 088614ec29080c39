package sweep

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/terratest/shim"
)

// The test binary is also what penstock is to a test: terraform by its name, and the run.
func TestMain(m *testing.M) {
	if shim.Called(os.Args[0]) {
		os.Exit(shim.Main(context.Background(), os.Args))
	}
	if role := os.Getenv("SWEEP_TEST_ROLE"); role != "" {
		os.Exit(play(role))
	}
	os.Exit(m.Run())
}

// lab is a run of tests: its states, its sandbox, and the objects outside of both.
type lab struct {
	t                    *testing.T
	tmp, address, mirror string
	program, bin         string // the real terraform, and the directory of the one that tests find
	env                  []string
	states               *deployed.States
	run                  deployed.Run
	patience             time.Duration
}

// newLab begins a run whose process is gone. It skips where there is no program of the
// name, or none of the providers.
func newLab(t *testing.T, program string, providers ...string) *lab {
	t.Helper()
	real, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("SKIPPED: %s is not on PATH", program)
	}
	l := &lab{t: t, tmp: shortDir(t), program: real, patience: 3 * time.Second}
	l.address = filepath.Join(l.tmp, "states")
	l.providers(program, providers)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l.bin = filepath.Join(l.tmp, "bin")
	l.must(os.MkdirAll(l.bin, 0o700))
	l.must(os.Symlink(self, filepath.Join(l.bin, program)))
	l.must(os.MkdirAll(l.outside(), 0o700))
	config := filepath.Join(l.tmp, "cli.tfrc")
	l.must(os.WriteFile(config, []byte("provider_installation {\n  filesystem_mirror {\n    path = \""+l.mirror+"\"\n  }\n}\n"), 0o600))
	l.env = []string{"PATH=" + l.bin + ":" + os.Getenv("PATH"), "HOME=" + l.tmp, "TF_CLI_CONFIG_FILE=" + config, "CHECKPOINT_DISABLE=1",
		record.EnvTerraform + "=" + real, record.EnvCase + "=tests/files:TestFiles"}
	return l
}

// shortDir is a directory with a short name: providers listen on sockets in it.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "sw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// providers finds the mirror; tofu looks for the same ones under its own registry.
func (l *lab) providers(program string, names []string) {
	l.t.Helper()
	home, err := os.UserHomeDir()
	l.must(err)
	from := filepath.Join(home, ".cache", "penstock", "providers", "registry.terraform.io")
	host := "registry.terraform.io"
	if program == "tofu" {
		host = "registry.opentofu.org"
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(from, "hashicorp", name)); err != nil {
			l.t.Skipf("SKIPPED: the provider %s is not in the mirror: .ci/providers builds it", name)
		}
	}
	l.mirror = filepath.Join(l.tmp, "mirror")
	for _, name := range names {
		packages, err := filepath.Glob(filepath.Join(from, "hashicorp", name, "*", "*")) // version and platform
		l.must(err)
		for _, p := range packages {
			rel, err := filepath.Rel(from, p)
			l.must(err)
			to := filepath.Join(l.mirror, host, rel)
			l.must(os.MkdirAll(filepath.Dir(to), 0o700))
			l.must(os.Symlink(p, to))
		}
	}
}

func (l *lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// outside is where the objects of the local provider lie.
func (l *lab) outside() string { return filepath.Join(l.tmp, "outside") }

func (l *lab) objects() []string {
	l.t.Helper()
	entries, err := os.ReadDir(l.outside())
	l.must(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// begin begins a run of a process that is gone.
func (l *lab) begin(ttl time.Duration) deployed.Run {
	l.t.Helper()
	var err error
	l.states, err = deployed.Open(l.t.Context(), l.address)
	l.must(err)
	r, err := deployed.NewRun("tester", ledger.CI{}, ttl)
	l.must(err)
	gone := exec.Command("true")
	l.must(gone.Run())
	r.Owner.PID = gone.Process.Pid
	l.must(l.states.Begin(l.t.Context(), r))
	l.run = r
	return r
}

// module writes a configuration and returns its directory.
func (l *lab) module(name string, files ...string) string {
	l.t.Helper()
	dir := filepath.Join(l.tmp, "sandbox", name)
	l.must(os.MkdirAll(dir, 0o700))
	for i := 0; i < len(files); i += 2 {
		file := filepath.Join(dir, files[i])
		l.must(os.MkdirAll(filepath.Dir(file), 0o700))
		l.must(os.WriteFile(file, []byte(files[i+1]), 0o600))
	}
	return dir
}

func (l *lab) command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(l.bin, name), args...)
	cmd.Dir = dir
	cmd.Env = append(slices.Clone(l.env), l.run.Owner.Env(), record.EnvStates+"="+l.address, "TF_VAR_penstock_run="+l.run.ID)
	return cmd
}

// tf calls the terraform that a test finds.
func (l *lab) tf(dir string, args ...string) (int, string) {
	l.t.Helper()
	cmd := l.command(dir, filepath.Base(l.program), args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil {
		l.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func (l *lab) ok(dir string, args ...string) string {
	l.t.Helper()
	code, out := l.tf(dir, args...)
	if code != 0 {
		l.t.Fatalf("%s %s: exit %d\n%s", l.program, strings.Join(args, " "), code, out)
	}
	return out
}

// deploy initializes and applies.
func (l *lab) deploy(dir string, args ...string) {
	l.t.Helper()
	l.ok(dir, "init", "-input=false", "-no-color")
	l.ok(dir, append([]string{"apply", "-auto-approve", "-input=false", "-no-color"}, args...)...)
}

func (l *lab) sweeper() Sweep {
	return Sweep{States: l.address, ID: l.run.ID, Mirror: l.mirror, Actor: "sweeper", Patience: l.patience, Pause: time.Millisecond}
}

func (l *lab) sweep() *pipelines.Report {
	l.t.Helper()
	r, err := l.sweeper().Run(l.t.Context())
	l.must(err)
	return r
}

// clean sweeps and expects that nothing is left.
func (l *lab) clean() *pipelines.Report {
	l.t.Helper()
	r := l.sweep()
	if r.Verdict != pipelines.Pass {
		l.t.Errorf("sweep: %s\n%s", r.Verdict, said(r))
	}
	if left := l.objects(); len(left) > 0 {
		l.t.Errorf("objects are left: %q\n%s", left, said(r))
	}
	l.emptied()
	return r
}

// emptied holds every state of the run against the promise that nothing is in it.
func (l *lab) emptied() {
	l.t.Helper()
	all, err := l.states.Deployments(l.t.Context(), l.run.ID)
	l.must(err)
	for _, d := range all {
		if !d.Undone {
			l.t.Errorf("%s is not undone", d.ID)
		}
		for _, w := range d.Workspaces {
			state, err := l.states.State(l.t.Context(), d.Run, d.ID, w)
			if err == nil && len(state.Resources) > 0 {
				l.t.Errorf("the state of %s, %s holds %q", d.ID, w, state.Addresses())
			}
		}
	}
}

func said(r *pipelines.Report) string {
	var b strings.Builder
	for _, result := range r.Results {
		fmt.Fprintf(&b, "%s %s %s %v\n", result.Unit, result.Verdict, result.Reason, result.Judged)
		for _, f := range result.Findings {
			fmt.Fprintf(&b, "  %s: %s\n", f.Resource, f.Message)
		}
	}
	for _, n := range r.Notices {
		fmt.Fprintf(&b, "notice: %s\n", n.Message)
	}
	return b.String()
}

// findings are the addresses that a report says may be left.
func findings(r *pipelines.Report) []string {
	var found []string
	for _, result := range r.Results {
		for _, f := range result.Findings {
			found = append(found, f.Resource)
		}
	}
	return found
}
