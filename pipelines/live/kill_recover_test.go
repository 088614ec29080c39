//go:build linux

package live_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/proctest"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/statelock"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// recover recovers a run, which may have left orphans, now and then with a kill in
// the middle of that too.
func (k *killing) recover(run string) {
	k.t.Helper()
	args := []string{"recover", "--provider-mirror", k.mirror}
	if orphans := ofRun(k.t, run); run != "" && len(orphans) > 0 {
		code, out := k.penstock(args...)
		if left := proctest.Living(k.t, orphans); len(left) > 0 {
			k.happened["recover was refused while orphans lived"]++
			if code != 3 || !strings.Contains(out, "is alive") {
				k.t.Errorf("recover while %v live: exit %d:\n%s", left, code, out)
			}
			if _, err := k.book.Look(k.t.Context(), killTarget); err != nil {
				k.t.Errorf("the lease of a run that lives: %v", err)
			}
		}
		if k.random.IntN(2) == 0 {
			args = append(args, "--end")
			k.happened["orphans were ended by --end"]++
		} else {
			if k.ends(run) {
				k.happened["orphans ended by themselves"]++
			} else {
				args = append(args, "--end")
				k.happened["providers that terraform left were ended by --end"]++
			}
		}
	}
	for k.random.IntN(3) == 0 {
		cut := k.start(args...)
		select {
		case <-cut.over:
			k.happened["recover ended before it was to be killed"]++
		case <-time.After(time.Duration(k.random.IntN(1500)) * time.Millisecond):
			proctest.Kill(proctest.Below(k.t, cut.cmd.Process.Pid))
			<-cut.over
			k.happened["recover was killed"]++
		}
	}
	if !slices.Contains(args, "--end") { // what the recover that was killed had started
		if !k.ends(run) {
			args = append(args, "--end")
		}
	}
	code, out := k.penstock(args...)
	if code != 0 && (code != 1 || !strings.Contains(out, "[recover/cut-off]")) { // 1: what is not known is a finding
		k.t.Fatalf("recover: exit %d:\n%s", code, out)
	}
}

// ends waits for the orphans of a run. It is false where only providers are left: one
// whose terraform is gone, and that does nothing, waits for ever.
func (k *killing) ends(run string) bool {
	k.t.Helper()
	if run == "" {
		return true
	}
	deadline := time.Now().Add(2 * time.Minute)
	for left := ofRun(k.t, run); len(left) > 0; left = ofRun(k.t, run) {
		idle := !slices.ContainsFunc(left, func(p proctest.Proc) bool { return p.Name != providerName })
		if idle && time.Now().After(deadline.Add(-110*time.Second)) {
			return false
		}
		if time.Now().After(deadline) {
			for _, p := range left {
				line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID))
				k.t.Logf("%+v: %s", p, bytes.ReplaceAll(line, []byte{0}, []byte(" ")))
			}
			k.t.Fatal("orphans did not end by themselves")
		}
		time.Sleep(50 * time.Millisecond)
	}
	return true
}

// journal is that of one run; empty where it came to none.
func (k *killing) journal(run string) ledger.Run {
	k.t.Helper()
	if !slices.ContainsFunc(k.entries(), func(e store.Entry) bool { return path.Base(path.Dir(e.Name)) == run }) {
		return ledger.Run{}
	}
	r, err := k.book.Run(k.t.Context(), killTarget, run)
	if err != nil {
		k.t.Fatal(err)
	}
	return r
}

// settle holds what is left against the promises, and brings the unit to what is wanted.
func (k *killing) settle(i int, run string, apply *running) {
	k.t.Helper()
	fail := func(format string, args ...any) {
		k.t.Helper()
		k.t.Errorf("run %d: %s\nthe apply said:\n%s", i, fmt.Sprintf(format, args...), apply.out.String())
		for _, e := range k.journal(run).Entries {
			k.t.Logf("%s %s %v %v %s", e.At.Format(time.TimeOnly), e.Event, e.Changes, e.Result, e.Note)
		}
	}
	if held, err := k.book.Look(k.t.Context(), killTarget); !errors.Is(err, store.ErrNotFound) {
		fail("a lease is left: %v, %v", held.Owner, err)
	}
	// Before the lease, what lies there is a capsule at most, which is sealed.
	for _, name := range []string{live.PlanFile, live.JSONFile, live.LogFile} {
		for _, below := range []string{"*/*", "*/*/*", "*/*/*/*"} {
			if left, _ := filepath.Glob(filepath.Join(k.tmp, "tmp/penstock-apply-"+below, name)); len(left) > 0 {
				fail("an opened plan is left: %q", left)
			}
		}
	}
	if info, _, err := statelock.Look(k.t.Context(), k.bucket, killState); !errors.Is(err, store.ErrNotFound) {
		fail("a lock of the state is left: %+v, %v", info, err)
	}
	if open, err := k.book.Unfinished(k.t.Context()); err != nil || len(open) > 0 {
		fail("%d runs are unfinished, %v", len(open), err)
	}
	told := listed(k.journal(run))
	for _, object := range k.lost(k.bucket) {
		if k.lostBefore[object] {
			continue
		}
		k.lostBefore[object] = true
		k.happened["an object outside of the state was listed"]++
		if !slices.Contains(told, addressOf(object)) {
			fail("the object %s is in no state, and was not listed among %q", object, told)
		}
	}
	if k.t.Failed() {
		return
	}
	dir, planned := k.plan()
	if planned[killUnit].Outcome == live.Changes {
		k.seal(dir)
		if code, out := k.penstock(k.applying()...); code != 0 {
			fail("applying again: exit %d:\n%s", code, out)
			return
		}
		if _, planned = k.plan(); planned[killUnit].Outcome != live.NoChanges {
			fail("the last plan says %s", planned[killUnit].Outcome)
		}
	} else {
		k.happened["nothing was left to be applied"]++
	}
	if lost := slices.DeleteFunc(k.lost(k.bucket), func(o string) bool { return k.lostBefore[o] }); len(lost) > 0 {
		fail("the last apply lost %q", lost)
	}
	for _, dir := range []string{"tmp", "."} { // plans pile up
		old, _ := filepath.Glob(filepath.Join(k.tmp, dir, "d[0-9]*"))
		for _, name := range old {
			_ = os.RemoveAll(name)
		}
	}
}
