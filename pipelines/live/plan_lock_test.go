//go:build linux

package live_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/proctest"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/statelock"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// slowPlan is long enough to be killed while it has the lock.
const slowPlan = `resource "terraform_data" "many" {
  count = 4000
  input = count.index
}
`

// killedPlan starts a plan and kills all of it, or penstock alone, once locked holds.
func killedPlan(k *killing, locked func() bool, victim string) {
	k.t.Helper()
	plan := k.start("plan", "--provider-mirror", k.mirror, "--out", k.temporary())
	until(k.t, "the lock of the plan", time.Minute, func() bool { return locked() || plan.ended() })
	tree := proctest.Below(k.t, plan.cmd.Process.Pid)
	if victim == "penstock" {
		tree = tree[:min(1, len(tree))]
	}
	proctest.Kill(tree)
	until(k.t, "the end of the plan", time.Minute, plan.ended)
	if plan.cmd.ProcessState.ExitCode() != -1 {
		k.t.Fatalf("the plan ended before it was killed: %s", plan.out.String())
	}
}

// A plan that was killed leaves its lock in the bucket: recover releases it, once nothing
// of the plan lives, and no other.
func TestRecoverReleasesTheLockOfAKilledPlan(t *testing.T) {
	p, _ := newKillProject(t)
	p.write(killUnit+"/main.tf", slowPlan)
	p.commit()
	k := newKilling(p, 1)
	lock := func() (statelock.Info, error) {
		info, _, err := statelock.Look(t.Context(), k.bucket, killState)
		return info, err
	}
	locked := func() bool { _, err := lock(); return err == nil }

	killedPlan(k, locked, "all")
	left, err := lock()
	if err != nil || left.Operation != "OperationTypePlan" {
		t.Fatalf("the lock: %+v, %v", left, err)
	}
	if code, out := p.penstock("plan", "--lock-timeout", "1s", "--provider-mirror", p.mirror, "--out", p.temporary()); code != 3 || !strings.Contains(out, left.ID) {
		t.Errorf("a plan beside it: exit %d: %s", code, out)
	}
	out := p.must("unlock", killTarget)
	for _, says := range []string{"nobody holds " + killTarget, left.ID, left.Who, "OperationTypePlan", " ago)", "the plan is dead", "--lock " + left.ID} {
		if !strings.Contains(out, says) {
			t.Errorf("unlock does not say %q: %s", says, out)
		}
	}
	if !locked() {
		t.Fatal("unlock released what it only had to show")
	}
	if out := p.must("recover"); !strings.Contains(out, "that was cut off is released") {
		t.Errorf("recover: %s", out)
	}
	if locked() {
		t.Error("the lock is still there")
	}

	// Its terraform lives on: the lock is its own until it ends.
	var owner ledger.Owner
	killedPlan(k, func() bool {
		left, err = lock()
		return err == nil && json.Unmarshal([]byte(strings.TrimPrefix(left.Info, "penstock plan ")), &owner) == nil && len(ofRun(t, owner.Run)) > 0
	}, "penstock")
	if orphans := ofRun(t, owner.Run); len(orphans) > 0 {
		code, out := p.penstock("unlock", killTarget, "--lock", left.ID)
		if len(proctest.Living(t, orphans)) > 0 && (code != 2 || !strings.Contains(out, "its holder lives")) {
			t.Errorf("unlock: exit %d: %s", code, out)
		}
	} else {
		t.Error("terraform has the run of no plan in its environment")
	}
	p.must("recover", "--end")
	if locked() || len(ofRun(t, owner.Run)) > 0 {
		t.Error("the lock, or terraform, is still there")
	}

	// What somebody else holds stays until a person names it.
	for name, info := range map[string]string{"of terraform": "", "of a plan elsewhere": elsewhere(t)} {
		theirs := statelock.Info{ID: "11111111-2222-3333-4444-555555555555", Operation: "OperationTypePlan", Who: "eva@elsewhere", Info: info, Created: time.Now().Add(-time.Hour)}
		if err := statelock.Lock(t.Context(), k.bucket, killState, theirs); err != nil {
			t.Fatal(err)
		}
		if code, out := p.penstock("recover"); code != 1 || !strings.Contains(out, "[recover/locked]") || !strings.Contains(out, "penstock unlock "+killTarget) {
			t.Errorf("%s: recover: exit %d: %s", name, code, out)
		}
		if code, out := p.penstock("unlock", killTarget, "--lock", left.ID); code != 2 || !strings.Contains(out, "eva@elsewhere") || !strings.Contains(out, "(1h0m") {
			t.Errorf("%s: unlock by another id: exit %d: %s", name, code, out)
		}
		if !locked() {
			t.Fatalf("%s: their lock is gone", name)
		}
		if out := p.must("unlock", killTarget, "--lock", theirs.ID); !strings.Contains(out, "the lock is released") || locked() {
			t.Errorf("%s: unlock: %s", name, out)
		}
	}
	if _, err := lock(); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the lock: %v", err)
	}
	if code, out := p.penstock("unlock", killTarget, "--lock", left.ID); code != 2 || !strings.Contains(out, "is not locked") {
		t.Errorf("unlock of nothing: exit %d: %s", code, out)
	}
}

// elsewhere is what a plan of another machine writes into its lock.
func elsewhere(t *testing.T) string {
	t.Helper()
	owner, err := ledger.NewOwner("eva", ledger.CI{})
	if err != nil {
		t.Fatal(err)
	}
	owner.Machine.Boot = "00000000-0000-0000-0000-000000000000"
	text, err := json.Marshal(owner)
	if err != nil {
		t.Fatal(err)
	}
	return "penstock plan " + string(text)
}

// Of a state in a file the kernel holds the lock: what a killed plan leaves is a note.
func TestWhatAKilledPlanLeavesBesideAFile(t *testing.T) {
	g := newGuarded(t)
	g.write(guardedUnit+"/main.tf", slowPlan, guardedUnit+"/dvlp.tfvars", "")
	g.commit()
	k := &killing{project: g.project}
	note := filepath.Join(filepath.Dir(g.stateFile("dvlp", guardedUnit)), ".app.tfstate.lock.info")
	noted := func() bool { text, err := os.ReadFile(note); return err == nil && json.Valid(text) && len(text) > 0 }

	killedPlan(k, noted, "penstock")
	text, err := os.ReadFile(note)
	if err == nil { // its terraform may have ended by now
		var info statelock.Info
		if err := json.Unmarshal(text, &info); err != nil {
			t.Fatal(err)
		}
		code, out := g.penstock("unlock", guardedTarget, "--lock", info.ID)
		if _, err := os.Stat(note); err == nil && (code != 2 || !strings.Contains(out, "holds it")) {
			t.Errorf("unlock while terraform lives: exit %d: %s", code, out)
		}
	}
	until(t, "the end of terraform", time.Minute, func() bool { return !noted() })

	killedPlan(k, noted, "all")
	if !noted() {
		t.Fatal("nothing is left of the plan")
	}
	out := g.must("unlock", guardedTarget)
	for _, says := range []string{"its state is locked, as " + note + " says", "OperationTypePlan", " ago)", "--lock "} {
		if !strings.Contains(out, says) {
			t.Errorf("unlock does not say %q: %s", says, out)
		}
	}
	if out := g.must("recover"); !strings.Contains(out, "is removed") || noted() {
		t.Errorf("recover: %s", out)
	}
	if out := g.must("unlock", guardedTarget); !strings.Contains(out, "its state is not locked") {
		t.Errorf("unlock: %s", out)
	}
	g.plan()
}
