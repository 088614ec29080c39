//go:build linux

package live_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/proctest"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// providerName is as much of a provider's name as the kernel keeps.
const providerName = "terraform-provi"

var victims = []string{"penstock", "terraform", "provider", "all"}

// phases are where the kill is aimed at; it hits where it hits, and is counted there.
var phases = []string{"any", "lease", string(ledger.Intent), string(ledger.Started), string(ledger.Progress), string(ledger.Finished)}

// killing is a series of applies that are killed, each of which is recovered.
type killing struct {
	*project
	random *rand.Rand
	bucket store.Store
	book   *ledger.Ledger
	// lost are the objects that no state knows of, as far as they were accounted for.
	lostBefore map[string]bool
	hits       map[string]int
	happened   map[string]int
}

// TestKills kills applies at random moments and holds recover to its promises: 10
// times, or as often as PENSTOCK_KILLS says (make kill-test).
func TestKills(t *testing.T) {
	n := 10
	if said := os.Getenv("PENSTOCK_KILLS"); said != "" {
		var err error
		if n, err = strconv.Atoi(said); err != nil {
			t.Fatal(err)
		}
	}
	if testing.Short() {
		t.Skip("SKIPPED: -short")
	}
	seed := uint64(time.Now().UnixNano())
	if said := os.Getenv("PENSTOCK_SEED"); said != "" {
		var err error
		if seed, err = strconv.ParseUint(said, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	p, _ := newKillProject(t)
	k := newKilling(p, seed)
	t.Logf("seed %d: PENSTOCK_SEED=%d repeats the choices, though not the moments", seed, seed)
	done := 0
	for done < n && !t.Failed() {
		if k.once(done) {
			done++
		}
	}
	for _, hit := range slices.Sorted(maps.Keys(k.hits)) {
		t.Logf("%-34s %3d", hit, k.hits[hit])
	}
	for _, what := range slices.Sorted(maps.Keys(k.happened)) {
		t.Logf("%-60s %3d", what, k.happened[what])
	}
	t.Logf("%d of %d killed applies were recovered", done, n)
}

func newKilling(p *project, seed uint64) *killing {
	k := &killing{project: p, random: rand.New(rand.NewPCG(seed, 1)), book: ledger.New(p.store()), lostBefore: map[string]bool{},
		hits: map[string]int{}, happened: map[string]int{}}
	k.bucket = p.stateBucket()
	p.t.Cleanup(func() { // orphans, where the test failed
		for _, r := range k.runs(killTarget) {
			proctest.Kill(ofRun(p.t, r.ID))
		}
	})
	return k
}

// running is the program while it runs.
type running struct {
	cmd  *exec.Cmd
	out  bytes.Buffer
	over chan struct{}
}

func (k *killing) start(args ...string) *running {
	k.t.Helper()
	r := &running{cmd: k.command(args...), over: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	r.cmd.WaitDelay = time.Second // orphans may hold the pipe open
	if err := r.cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	go func() {
		defer close(r.over)
		_ = r.cmd.Wait()
	}()
	return r
}

func (r *running) ended() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}

// entries are the names of what is in the journal, in order: to read it all, again and
// again, would be most of what the test does.
func (k *killing) entries() []store.Entry {
	k.t.Helper()
	list, err := k.store().List(context.WithoutCancel(k.t.Context()), "journal/"+killTarget+"/")
	if err != nil {
		k.t.Fatal(err)
	}
	return list
}

// phase is how far the newest run has come, "" before its lease.
func (k *killing) phase(known map[string]bool) (phase, run string) {
	k.t.Helper()
	if list := k.entries(); len(list) > 0 {
		name := list[len(list)-1].Name
		run := path.Base(path.Dir(name))
		if _, event, _ := strings.Cut(strings.TrimSuffix(path.Base(name), ".json"), "-"); !known[run] {
			return event, run
		}
	}
	held, err := k.book.Look(k.t.Context(), killTarget)
	if errors.Is(err, store.ErrNotFound) {
		return "", ""
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return "lease", held.Owner.Run
}

// once kills one apply and recovers. It is false where the apply ended before.
func (k *killing) once(i int) bool {
	k.t.Helper()
	known := map[string]bool{}
	for _, entry := range k.entries() {
		known[path.Base(path.Dir(entry.Name))] = true
	}
	k.want(k.random)
	dir, _ := k.plan()
	k.seal(dir)
	victim, aim := victims[k.random.IntN(len(victims))], phases[k.random.IntN(len(phases))]
	apply := k.start(k.applying()...)
	if !k.aimed(apply, aim, known) {
		return false
	}
	if k.random.IntN(5) == 0 {
		k.second(known)
	}
	// Whom to kill is settled before when: a provider may have to be waited for.
	tree := k.choose(apply, victim)
	if tree == nil {
		<-apply.over
		k.happened["the apply ended before its victim was there"]++
		k.settle(i, "nothing", apply)
		return false
	}
	phase, _ := k.phase(known)
	proctest.Kill(tree)
	if phase == "" {
		phase = "before the lease"
	}
	k.hits[fmt.Sprintf("%-10s %s", victim, phase)]++
	k.t.Logf("run %d: %s killed at %q (aimed at %q)", i, victim, phase, aim)
	until(k.t, "the end of the apply", 2*time.Minute, apply.ended)
	_, run := k.phase(known)
	k.recover(run)
	k.settle(i, run, apply)
	return !k.t.Failed()
}

// aimed waits for the moment to kill.
func (k *killing) aimed(apply *running, aim string, known map[string]bool) bool {
	k.t.Helper()
	wait := time.Duration(k.random.IntN(700)) * time.Millisecond
	if aim == "any" {
		wait = time.Duration(k.random.IntN(4000)) * time.Millisecond
	} else {
		order := phases[1:]
		until(k.t, "the phase "+aim, 2*time.Minute, func() bool {
			phase, _ := k.phase(known)
			return apply.ended() || slices.Index(order, phase) >= slices.Index(order, aim)
		})
	}
	select {
	case <-apply.over:
		k.happened["the apply ended before it was to be killed"]++
		k.settle(-1, "nothing", apply)
		return false
	case <-time.After(wait):
		return true
	}
}

// choose finds the processes to kill; nil where the apply ended before they were there.
func (k *killing) choose(apply *running, victim string) []proctest.Proc {
	k.t.Helper()
	for !apply.ended() {
		tree := proctest.Below(k.t, apply.cmd.Process.Pid)
		switch victim {
		case "all":
			return tree
		case "penstock":
			return tree[:min(1, len(tree))]
		}
		named := "terraform"
		if victim == "provider" {
			named = providerName
		}
		tree = slices.DeleteFunc(tree, func(p proctest.Proc) bool { return p.Name != named })
		if len(tree) > 0 {
			i := k.random.IntN(len(tree))
			return tree[i : i+1]
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}

// second starts another apply while the first has the lease: it has to be refused.
func (k *killing) second(known map[string]bool) {
	k.t.Helper()
	before, err := k.book.Look(k.t.Context(), killTarget)
	if err != nil {
		return
	}
	code, out := k.penstock(k.applying()...)
	after, err := k.book.Look(k.t.Context(), killTarget)
	if err != nil || before.Owner.Run != after.Owner.Run {
		return // the first ended meanwhile
	}
	k.happened["a second apply was refused"]++
	held := code == 3 && strings.Contains(out, "is held by run "+before.Owner.Run)
	used := code == 1 && strings.Contains(out, "was used before, by run "+before.Owner.Run)
	applied := code == 0 && strings.Contains(out, "it was applied before, by run "+before.Owner.Run) // and looks at what came of it
	if !held && !used && !applied {
		k.t.Errorf("a second apply at the same time: exit %d:\n%s", code, out)
	}
}
