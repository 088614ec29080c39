package sweep

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// one returns the deployment of a run that has one.
func (l *lab) one() deployed.Deployment {
	l.t.Helper()
	all, err := l.states.Deployments(l.t.Context(), l.run.ID)
	l.must(err)
	if len(all) != 1 {
		l.t.Fatalf("there are %d deployments", len(all))
	}
	return all[0]
}

func (l *lab) stateFile() string {
	d := l.one()
	return l.states.File(record.StateName(d.Run, d.ID))
}

// cutOff takes the end of the last step away, as if its terraform had been killed.
func (l *lab) cutOff() {
	l.t.Helper()
	d := l.one()
	for _, step := range d.Steps {
		if step.Kind == record.Settled {
			l.must(os.Remove(l.states.File(record.StepName(d.Run, d.ID, step.Seq))))
		}
	}
	l.must(os.RemoveAll(l.states.File(record.Under(d.Run, d.ID) + "snapshots")))
}

// A state that cannot be read, with or without something that stands in for it.
func TestABrokenState(t *testing.T) {
	copies := func(l *lab) { l.must(os.Remove(record.CopyOf(l.stateFile()))) }
	for name, broken := range map[string]func(*lab){
		"truncated": func(l *lab) { l.must(os.Truncate(l.stateFile(), 100)) },
		"empty":     func(l *lab) { l.must(os.Truncate(l.stateFile(), 0)) },
		"garbage":   func(l *lab) { l.must(os.WriteFile(l.stateFile(), []byte("\x00\xff{"), 0o600)) },
		"gone":      func(l *lab) { l.must(os.Remove(l.stateFile())) },
		"no copy":   func(l *lab) { copies(l); l.cutOff(); l.must(os.Truncate(l.stateFile(), 10)) },
		"intents alone": func(l *lab) {
			copies(l)
			l.cutOff()
			_ = os.Remove(l.stateFile() + ".backup")
			l.must(os.Truncate(l.stateFile(), 0))
		},
		"a broken copy": func(l *lab) {
			l.must(os.Truncate(record.CopyOf(l.stateFile()), 9))
			l.must(os.Truncate(l.stateFile(), 9))
		},
		"an older state": func(l *lab) { l.must(os.Rename(l.stateFile()+".backup", l.stateFile())) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, "terraform", "local")
			l.begin(time.Hour)
			l.deploy(l.files(), "-var=directory="+l.outside())
			broken(l)
			r := l.clean()
			if !strings.Contains(said(r), "notice: its state could not be read") {
				t.Error(said(r))
			}
		})
	}
}

// Terraform takes an empty state for nothing deployed: the shim does not let it.
func TestAnApplyOnABrokenStateIsRefused(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	dir := l.files()
	l.deploy(dir, "-var=directory="+l.outside())
	l.must(os.Truncate(l.stateFile(), 0))
	code, out := l.tf(dir, "apply", "-auto-approve", "-var=directory="+l.outside())
	if code != 1 || !strings.Contains(out, "the state cannot be read") || !strings.Contains(out, "hint: penstock sweep "+l.run.ID) {
		t.Errorf("exit %d: %s", code, out)
	}
	l.clean()
}

// An object whose type nobody wrote down is listed, with owner and age, and fails.
func TestWhatCannotBeFoundIsALeak(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	l.deploy(l.files(), "-var=directory="+l.outside())
	l.cutOff()
	d := l.one()
	l.must(l.states.Redo(t.Context(), d.Run, d.ID))
	first := d.Steps[0]
	first.Creates = append(first.Creates, record.Create{Address: "aws_vpc.main", Type: "aws_vpc", Provider: "registry.terraform.io/hashicorp/aws"})
	name := l.states.File(record.StepName(d.Run, d.ID, first.Seq))
	l.must(os.Remove(name))
	if _, err := l.states.Step(t.Context(), d.Run, d.ID, first); err != nil {
		t.Fatal(err)
	}
	r := l.sweep()
	if r.Verdict.ExitCode() == 0 || !slices.Equal(findings(r), []string{"aws_vpc.main"}) || !strings.Contains(said(r), "of tests/files:TestFiles") || !strings.Contains(said(r), "by tester") {
		t.Errorf("%s\n%s", r.Verdict, said(r))
	}
	if left := l.objects(); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
	if again := l.sweep(); !slices.Equal(findings(again), []string{"aws_vpc.main"}) {
		t.Errorf("the leak is forgotten: %s", said(again))
	}
}

const stubborn = `
variable "directory" { type = string }
variable "penstock_run" { type = string }
resource "local_file" "a" {
  filename = "${var.directory}/a"
  content  = "a"
}
resource "terraform_data" "stubborn" {
  input      = "${var.directory}/../tries"
  depends_on = [local_file.a]
  provisioner "local-exec" {
    when    = destroy
    command = "echo x >> '${self.input}'; test $(wc -l < '${self.input}') -ge THRESHOLD"
  }
}
`

func TestADestroyThatFailsTwice(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	l.deploy(l.module("m", "main.tf", strings.ReplaceAll(stubborn, "THRESHOLD", "3")), "-var=directory="+l.outside())
	r := l.clean()
	if r.Results[1].Judged["destroys"] != 3 {
		t.Error(said(r))
	}
}

func TestADestroyThatFailsForEver(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	l.deploy(l.module("m", "main.tf", strings.ReplaceAll(stubborn, "THRESHOLD", "9999")), "-var=directory="+l.outside())
	r := l.sweep()
	if r.Verdict != pipelines.Fail || !slices.Equal(findings(r), []string{"local_file.a", "terraform_data.stubborn"}) || !strings.Contains(said(r), "it could not be destroyed: ") {
		t.Errorf("%s\n%s", r.Verdict, said(r))
	}
}

func TestTwoRunsOfOneModuleAtOnce(t *testing.T) {
	l := newLab(t, "terraform", "local")
	first := l.begin(time.Hour)
	l.module("shared", "main.tf", sharedCode, "content.txt", "b")
	dirs := []string{l.module("one", "main.tf", filesCode), l.module("two", "main.tf", filesCode)}
	outside := []string{l.outside(), filepath.Join(l.tmp, "other")}
	l.must(os.MkdirAll(outside[1], 0o700))
	second := first
	second.ID = record.NewRunID(time.Now())
	second.Owner.Run = second.ID
	l.must(l.states.Begin(t.Context(), second))
	labs := []*lab{l, {t: t, tmp: l.tmp, address: l.address, mirror: l.mirror, program: l.program, bin: l.bin, env: l.env, states: l.states, run: second, patience: l.patience}}
	var both sync.WaitGroup
	for i, one := range labs {
		both.Go(func() {
			for _, args := range [][]string{{"init", "-no-color"}, {"apply", "-auto-approve", "-no-color", "-var=directory=" + outside[i]}} {
				if code, out := one.tf(dirs[i], args...); code != 0 {
					t.Errorf("exit %d: %s", code, out)
				}
			}
		})
	}
	both.Wait()
	// The copy of a directory that was initialized keeps its own state.
	third := l.module("three")
	l.must(os.CopyFS(third, os.DirFS(dirs[0])))
	third2 := filepath.Join(l.tmp, "third")
	l.must(os.MkdirAll(third2, 0o700))
	l.deploy(third, "-var=directory="+third2)
	l.clean()
	entries, err := os.ReadDir(outside[1])
	if err != nil || len(entries) != 3 {
		t.Errorf("the sweep of one run took from another: %v, %v", entries, err)
	}
	if entries, _ := os.ReadDir(third2); len(entries) != 0 {
		t.Errorf("left: %v", entries)
	}
	if r := labs[1].sweep(); r.Verdict != pipelines.Pass {
		t.Error(said(r))
	}
	if entries, _ := os.ReadDir(outside[1]); len(entries) != 0 {
		t.Errorf("left: %v", entries)
	}
}

func TestARunThatLivesIsLeftAlone(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	l.deploy(l.files(), "-var=directory="+l.outside())
	living := l.living()
	r := l.sweep()
	if r.Verdict != pipelines.NotRun || !strings.Contains(said(r), "it is alive") || len(l.objects()) != 3 {
		t.Errorf("%s\n%s", r.Verdict, said(r))
	}
	// Nor is it when its time is over: a clock may be wrong.
	s := l.sweeper()
	s.ID, s.Now = "", time.Now().Add(100*time.Hour)
	if r, err := s.Run(t.Context()); err != nil || r.Verdict != pipelines.NotRun || len(l.objects()) != 3 {
		t.Errorf("%v %s", err, said(r))
	}
	l.must(living.Process.Kill())
	_ = living.Wait()
	l.clean()
}

// living gives the run a process that lives.
func (l *lab) living() *exec.Cmd {
	l.t.Helper()
	cmd := exec.Command("sleep", "600")
	cmd.Env = append(os.Environ(), l.run.Owner.Env())
	l.must(cmd.Start())
	l.t.Cleanup(func() { _ = cmd.Process.Kill() })
	l.patience = time.Millisecond
	owner := l.run.Owner
	owner.PID = cmd.Process.Pid
	owner.PIDStart = startOf(l.t, cmd.Process.Pid)
	l.rewrite(deployed.Run{ID: l.run.ID, Owner: owner, TTL: l.run.TTL})
	return cmd
}

// rewrite puts another record in place of that of the run.
func (l *lab) rewrite(r deployed.Run) {
	l.t.Helper()
	l.must(os.Remove(l.states.File(record.RunName(r.ID))))
	l.must(l.states.Begin(l.t.Context(), r))
	l.run = r
}

func TestTwoSweepsAtOnce(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	l.deploy(l.files(), "-var=directory="+l.outside())
	owner, err := ledger.NewOwner("another", ledger.CI{})
	l.must(err)
	lease, err := ledger.New(l.states.Store).Acquire(t.Context(), "sweep/"+l.run.ID, owner, time.Minute)
	l.must(err)
	r := l.sweep()
	if r.Verdict != pipelines.NotRun || !strings.Contains(said(r), "another sweep is at it") || len(l.objects()) != 3 {
		t.Errorf("%s\n%s", r.Verdict, said(r))
	}
	l.must(lease.Release(context.WithoutCancel(t.Context())))
	l.clean()
}

// On another machine nobody can look: the time to live tells, an hour after it is over, or a person.
func TestExpiryAndSkew(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	l.deploy(l.files(), "-var=directory="+l.outside())
	far := l.run
	far.Owner.Machine.Boot = "another"
	l.rewrite(far)
	expired := func(now time.Time) *pipelines.Report {
		s := l.sweeper()
		s.ID, s.Now = "", now
		r, err := s.Run(t.Context())
		l.must(err)
		return r
	}
	if r := expired(far.TTL.Add(-time.Minute)); r.Verdict != pipelines.Pass || len(r.Results) != 1 || len(l.objects()) != 3 {
		t.Errorf("before its time is over: %s\n%s", r.Verdict, said(r))
	}
	if r := expired(far.TTL.Add(59 * time.Minute)); r.Verdict != pipelines.NotRun || len(l.objects()) != 3 {
		t.Errorf("a clock that is ahead: %s\n%s", r.Verdict, said(r))
	}
	if r := l.sweep(); r.Verdict != pipelines.NotRun || !strings.Contains(said(r), "not known to be dead") {
		t.Errorf("by name: %s\n%s", r.Verdict, said(r))
	}
	if r := expired(far.TTL.Add(61 * time.Minute)); r.Verdict != pipelines.Pass || len(l.objects()) != 0 {
		t.Errorf("when its time is over: %s\n%s", r.Verdict, said(r))
	}
	l.emptied()
	s := l.sweeper()
	s.Dead = true
	if r, err := s.Run(t.Context()); err != nil || r.Verdict != pipelines.Pass {
		t.Errorf("%v %s", err, said(r))
	}
}

func TestAPersonSaysThatARunIsDead(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	l.deploy(l.files(), "-var=directory="+l.outside())
	far := l.run
	far.Owner.Machine.Boot = "another"
	l.rewrite(far)
	s := l.sweeper()
	s.Dead = true
	r, err := s.Run(t.Context())
	if err != nil || r.Verdict != pipelines.Pass || len(l.objects()) != 0 {
		t.Errorf("%v %s", err, said(r))
	}
}

// An orphan of a dead run is given time to end, and is then ended.
func TestAnOrphanIsEnded(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	l.deploy(l.files(), "-var=directory="+l.outside())
	l.patience = 300 * time.Millisecond
	cmd := exec.Command("sleep", "600")
	cmd.Env = append(os.Environ(), l.run.Owner.Env())
	l.must(cmd.Start())
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	r := l.clean()
	if !strings.Contains(said(r), "1 processes that the run "+l.run.ID+" left running were ended") {
		t.Error(said(r))
	}
	<-gone
}

// penstock terratest sweeps after its own run, in its own process.
func TestARunSweepsAfterItself(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	own := l.run
	own.Owner.PID = os.Getpid()
	l.rewrite(own)
	l.deploy(l.files(), "-var=directory="+l.outside())
	cmd := exec.Command("sleep", "600")
	cmd.Env = append(os.Environ(), l.run.Owner.Env())
	l.must(cmd.Start())
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	l.patience = 300 * time.Millisecond
	l.clean()
	<-gone
}
