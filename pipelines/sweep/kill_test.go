//go:build linux

package sweep

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
)

// The module that is killed: objects that are made one stage after the other, so that at
// every moment there is something that no state knows of yet. One has a name that only the
// state tells, one lies in a module, and some come all at once.
const killCode = `
variable "directory" { type = string }
variable "penstock_run" { type = string }
resource "time_sleep" "one" {
  create_duration  = "120ms"
  destroy_duration = "80ms"
}
resource "local_file" "many" {
  for_each   = toset(["a", "b", "c", "d"])
  filename   = "${var.directory}/${each.key}-${var.penstock_run}"
  content    = each.key
  depends_on = [time_sleep.one]
}
resource "random_id" "name" {
  byte_length = 8
  depends_on  = [local_file.many]
}
resource "local_file" "random" {
  filename = "${var.directory}/${random_id.name.hex}"
  content  = "named by the state"
}
resource "time_sleep" "two" {
  create_duration  = "120ms"
  destroy_duration = "80ms"
  depends_on       = [local_file.random]
}
module "b" {
  source     = "../shared"
  directory  = var.directory
  depends_on = [time_sleep.two]
}
resource "terraform_data" "end" {
  depends_on = [module.b]
}
`

var (
	victims = []string{"penstock", "test", "terraform", "terraform", "group", "all"}
	aims    = []string{record.Apply, record.Apply, record.Destroy, "any"}
)

// killing is a series of runs that are killed, each of which is swept.
type killing struct {
	*lab
	random  *rand.Rand
	counted map[string]int
}

// TestKills kills runs at random moments and counts what the sweep leaves, in the states
// and outside: 5 times, or as often as PENSTOCK_KILLS says (make sweep-kill-test).
func TestKills(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short")
	}
	n, seed := 5, uint64(20261121)
	if said := os.Getenv("PENSTOCK_KILLS"); said != "" {
		var err error
		if n, err = strconv.Atoi(said); err != nil {
			t.Fatal(err)
		}
		seed = uint64(time.Now().UnixNano())
	}
	if said := os.Getenv("PENSTOCK_SEED"); said != "" {
		var err error
		if seed, err = strconv.ParseUint(said, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	l := newLab(t, "terraform", "local", "time", "random")
	l.module("shared", "main.tf", sharedCode, "content.txt", "b")
	k := &killing{lab: l, random: rand.New(rand.NewPCG(seed, 1)), counted: map[string]int{}}
	k.patience = 2 * time.Second
	var err error
	k.states, err = deployed.Open(t.Context(), k.address)
	k.must(err)
	t.Logf("seed %d: PENSTOCK_SEED=%d repeats the choices, though not the moments", seed, seed)
	swept := 0
	for i := 0; i < n && !t.Failed(); i++ {
		k.once(i)
		if !t.Failed() {
			swept++
		}
	}
	for _, what := range slices.Sorted(maps.Keys(k.counted)) {
		t.Logf("%-60s %3d", what, k.counted[what])
	}
	t.Logf("%d of %d killed runs were swept, with nothing left outside or in a state", swept, n)
}

// once starts a run, kills, and sweeps. A run that ended before its moment is started again.
func (k *killing) once(i int) {
	k.t.Helper()
	for {
		victim, aim := victims[k.random.IntN(len(victims))], aims[k.random.IntN(len(aims))]
		delay := time.Duration(k.random.IntN(900)) * time.Millisecond
		if aim == "any" {
			delay = time.Duration(k.random.IntN(5000)) * time.Millisecond
		}
		p := k.start(i)
		if !k.await(p, aim, delay) || !k.hit(p, victim) {
			k.counted["ended before its moment"]++
			<-p.over
			k.settle(p, "nobody", aim)
			if k.t.Failed() {
				return
			}
			continue
		}
		k.counted["killed: "+victim+", while "+k.phase()]++
		k.settle(p, victim, aim)
		return
	}
}

// playing is a run that plays.
type playing struct {
	cmd  *exec.Cmd
	out  bytes.Buffer
	over chan struct{}
}

func (p *playing) ended() bool {
	select {
	case <-p.over:
		return true
	default:
		return false
	}
}

func (k *killing) start(i int) *playing {
	k.t.Helper()
	says := filepath.Join(k.tmp, "says")
	_ = os.Remove(says)
	dir := k.module(fmt.Sprintf("kill%d", i), "main.tf", killCode)
	_ = os.Remove(filepath.Join(dir, record.Override))
	self, err := os.Executable()
	k.must(err)
	p := &playing{cmd: exec.Command(self), over: make(chan struct{})}
	p.cmd.Env = append(slices.Clone(k.env), "SWEEP_TEST_ROLE=penstock", "SWEEP_TEST_SAYS="+says, "SWEEP_TEST_DIR="+dir,
		"SWEEP_TEST_PROGRAM="+filepath.Join(k.bin, "terraform"), "SWEEP_TEST_VARS=-var=directory="+k.outside(), record.EnvStates+"="+k.address)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.WaitDelay = time.Second // orphans may hold the pipe open
	k.must(p.cmd.Start())
	go func() {
		defer close(p.over)
		_ = p.cmd.Wait()
	}()
	k.run = deployed.Run{}
	k.until("the run", func() bool {
		text, err := os.ReadFile(says)
		if err != nil || len(text) == 0 {
			return p.ended()
		}
		k.run.ID = string(text)
		return true
	})
	if k.run.ID == "" {
		k.t.Fatalf("the run did not begin: %s", p.out.String())
	}
	return p
}

func (k *killing) until(what string, holds func() bool) {
	k.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			k.t.Fatalf("waiting for %s: it did not come", what)
		}
	}
}

// steps are the kinds of the steps of the run, as far as they can be read now.
func (k *killing) steps() []string {
	names, _ := filepath.Glob(filepath.Join(k.address, "runs", k.run.ID, "*", "steps", "*.json"))
	var kinds []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for _, kind := range []string{record.Apply, record.Destroy, record.Settled} {
			if bytes.Contains(text, []byte(`"kind": "`+kind+`"`)) {
				kinds = append(kinds, kind)
			}
		}
	}
	return kinds
}

func (k *killing) phase() string {
	return cmpOr(strings.Join(k.steps(), ", "), "nothing was let go")
}

// await waits for the moment. It is false where the run ended before.
func (k *killing) await(p *playing, aim string, delay time.Duration) bool {
	k.t.Helper()
	if aim != "any" {
		k.until("the step "+aim, func() bool { return p.ended() || slices.Contains(k.steps(), aim) })
	}
	select {
	case <-p.over:
		return false
	case <-time.After(delay):
		return true
	}
}

// hit kills. It is false where there was nobody to kill.
func (k *killing) hit(p *playing, victim string) bool {
	k.t.Helper()
	all := k.processes()
	switch victim {
	case "penstock":
		return p.cmd.Process.Kill() == nil && !p.ended()
	case "group":
		for _, one := range all {
			if one.name != "terraform" && !strings.HasPrefix(one.name, "terraform-pro") {
				return syscall.Kill(-one.pid, syscall.SIGKILL) == nil // the test leads it
			}
		}
		return false
	case "all":
		_ = p.cmd.Process.Kill()
		for _, one := range all {
			_ = syscall.Kill(one.pid, syscall.SIGKILL)
		}
		return len(all) > 0
	}
	var chosen []proc
	for _, one := range all {
		if (one.name == "terraform") == (victim == "terraform") && !strings.HasPrefix(one.name, "terraform-pro") {
			chosen = append(chosen, one)
		}
	}
	if len(chosen) == 0 {
		return false
	}
	return syscall.Kill(chosen[k.random.IntN(len(chosen))].pid, syscall.SIGKILL) == nil
}

type proc struct {
	pid  int
	name string
}

// processes are those of the run: they have it in their environment.
func (k *killing) processes() []proc {
	k.t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*")
	k.must(err)
	var found []proc
	for _, name := range names {
		environ, err := os.ReadFile(name + "/environ")
		if err != nil || !bytes.Contains(environ, []byte(record.EnvRun+"="+k.run.ID+"\x00")) {
			continue
		}
		comm, err := os.ReadFile(name + "/comm")
		pid, notNumber := strconv.Atoi(filepath.Base(name))
		if err == nil && notNumber == nil {
			found = append(found, proc{pid, strings.TrimSpace(string(comm))})
		}
	}
	return found
}

// settle sweeps, now and then with a sweep before it that is killed too, and counts.
func (k *killing) settle(p *playing, victim, aim string) {
	k.t.Helper()
	<-p.over // the end of penstock itself; what else is left is an orphan
	if k.random.IntN(4) == 0 {
		k.cut()
	}
	if len(k.processes()) > 0 {
		k.counted["orphans still ran when it was swept"]++
	}
	r := k.sweep()
	for _, result := range r.Results {
		for what, n := range result.Judged {
			if strings.HasPrefix(what, "orphan") || what == "objects" {
				k.counted["judged: "+what] += n
			}
		}
	}
	left := k.objects()
	if r.Verdict != pipelines.Pass || len(left) > 0 {
		k.t.Errorf("%s killed (aimed at %s): %s, and %q is left\n%s\nthe run said:\n%s", victim, aim, r.Verdict, left, said(r), p.out.String())
	}
	k.emptied()
	if n := len(k.processes()); n > 0 {
		k.t.Errorf("%d processes of the run are left", n)
	}
	_ = filepath.WalkDir(filepath.Join(k.tmp, "sandbox"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), "kill") {
			return errors.Join(os.RemoveAll(name), fs.SkipDir)
		}
		return err
	})
}

// cut kills a sweep at a random moment.
func (k *killing) cut() {
	k.t.Helper()
	self, err := os.Executable()
	k.must(err)
	cmd := exec.Command(self)
	cmd.Env = append(slices.Clone(k.env), "SWEEP_TEST_ROLE=sweep", "SWEEP_TEST_RUN="+k.run.ID, "SWEEP_TEST_MIRROR="+k.mirror, record.EnvStates+"="+k.address)
	k.must(cmd.Start())
	time.Sleep(time.Duration(k.random.IntN(4000)) * time.Millisecond)
	if cmd.Process.Kill() == nil {
		k.counted["a sweep was killed too"]++
	}
	_ = cmd.Wait()
}
