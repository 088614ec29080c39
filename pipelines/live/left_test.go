//go:build linux

package live_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/proctest"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/statelock"
)

// A state that terraform could not write is left on disk. Recover writes it where it
// belongs, also after it was itself killed while it did, and loses nothing.
func TestRecoverWritesAStateThatWasLeft(t *testing.T) {
	p, s3 := newKillProject(t)
	k := newKilling(p, 1)
	p.want(k.random)
	dir, _ := p.plan()
	p.seal(dir)
	apply := k.start(p.applying()...)
	until(t, "the first change", time.Minute, func() bool {
		phase, _ := k.phase(nil)
		return phase == string(ledger.Progress) || apply.ended()
	})
	s3.Down.Store(true)
	until(t, "the end of the apply", 5*time.Minute, apply.ended)
	s3.Down.Store(false)
	if code := apply.cmd.ProcessState.ExitCode(); code != 3 {
		t.Fatalf("exit %d: %s", code, apply.out.String())
	}
	_, run := k.phase(nil)
	left, _ := filepath.Glob(filepath.Join(p.tmp, "tmp/penstock-apply-*/*/w/src/"+killUnit+"/errored.tfstate"))
	if len(left) != 1 || len(k.lost(k.bucket)) == 0 {
		t.Fatalf("left is %q, and lost %q: %s", left, k.lost(k.bucket), apply.out.String())
	}

	cut := k.start("recover", "--provider-mirror", p.mirror)
	var pushing []proctest.Proc
	until(t, "recover to write the state", time.Minute, func() bool {
		for _, one := range proctest.Below(t, cut.cmd.Process.Pid) {
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", one.PID))
			if bytes.Contains(line, []byte("\x00state\x00push\x00")) {
				pushing = proctest.Below(t, cut.cmd.Process.Pid)
			}
		}
		return pushing != nil || cut.ended()
	})
	proctest.Kill(pushing)
	until(t, "the end of recover", time.Minute, cut.ended)
	if pushing == nil {
		t.Fatalf("recover wrote no state: %s", cut.out.String())
	}
	if held, err := k.book.Look(t.Context(), killTarget); err != nil || held.Owner.Run != run {
		t.Errorf("the lease after recover was killed: %v, %v", held.Owner, err)
	}
	journal := k.runs(killTarget)[0]
	if info, _, err := statelock.Look(t.Context(), k.bucket, killState); err != nil || info.ID != journal.Entries[0].LockID {
		t.Errorf("the lock of the state after recover was killed: %+v, %v; it shall be %s", info, err, journal.Entries[0].LockID)
	}

	if out := p.must("recover", "--provider-mirror", p.mirror); !strings.Contains(out, "the state that was left on disk is written") {
		t.Errorf("recover: %s", out)
	}
	if lost := k.lost(k.bucket); len(lost) > 0 {
		t.Errorf("lost are %q", lost)
	}
	if _, planned := p.plan(); planned[killUnit].Outcome != live.NoChanges {
		t.Errorf("a plan then says %s", planned[killUnit].Outcome)
	}
	k.settle(0, run, apply)
}

// A Ctrl-C stops terraform in an orderly way: nothing is left for recover to do.
func TestAnApplyThatIsInterruptedEndsByItself(t *testing.T) {
	p, _ := newKillProject(t)
	k := newKilling(p, 1)
	p.want(k.random)
	dir, _ := p.plan()
	p.seal(dir)
	apply := k.start(p.applying()...)
	until(t, "the first change", time.Minute, func() bool {
		phase, _ := k.phase(nil)
		return phase == string(ledger.Progress) || apply.ended()
	})
	if err := apply.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	until(t, "the end of the apply", time.Minute, apply.ended)
	runs := k.runs(killTarget)
	if code := apply.cmd.ProcessState.ExitCode(); code != 3 || len(runs) != 1 || !runs[0].Over() {
		t.Errorf("exit %d, the journal is %+v: %s", code, runs, apply.out.String())
	}
	if out := p.must("recover", "--provider-mirror", p.mirror); !strings.Contains(out, "no apply was cut off") {
		t.Errorf("recover: %s", out)
	}
	k.settle(0, runs[0].ID, apply)
	if len(k.lostBefore) > 0 {
		t.Errorf("lost are %v", k.lostBefore)
	}
}

// A state that somebody else has locked is not applied to, and their lock stays.
func TestAnApplyLeavesTheLockOfOthers(t *testing.T) {
	p, _ := newKillProject(t)
	k := newKilling(p, 1)
	p.want(k.random)
	dir, _ := p.plan()
	p.seal(dir)
	theirs := statelock.Info{ID: "11111111-2222-3333-4444-555555555555", Operation: "OperationTypeApply", Who: "eva@elsewhere", Created: time.Now()}
	if err := statelock.Lock(t.Context(), k.bucket, killState, theirs); err != nil {
		t.Fatal(err)
	}
	if code, out := p.penstock(p.applying("--lock-timeout", "1ns")...); code != 3 || !strings.Contains(out, "is locked by eva@elsewhere") {
		t.Errorf("exit %d: %s", code, out)
	}
	if info, _, err := statelock.Look(t.Context(), k.bucket, killState); err != nil || info.ID != theirs.ID {
		t.Errorf("their lock: %+v, %v", info, err)
	}
	runs := k.runs(killTarget)
	if len(runs) != 1 || len(runs[0].Entries) != 2 || runs[0].Entries[1].Event != ledger.Finished || runs[0].Entries[1].Note != "nothing was applied" {
		t.Errorf("the journal: %+v", runs)
	}
	if err := statelock.Unlock(t.Context(), k.bucket, killState, theirs.ID); err != nil {
		t.Fatal(err)
	}
	p.must(p.applying()...) // the capsule was not used
}
