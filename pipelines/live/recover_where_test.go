package live_test

import (
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// cutOff leaves a run that was cut off and that a person says is dead.
func (g *guarded) cutOff(target string, backend *ledger.Backend) {
	g.t.Helper()
	book := ledger.New(g.store())
	owner, err := ledger.NewOwner("eva", ledger.CI{})
	if err != nil {
		g.t.Fatal(err)
	}
	owner.Machine.Host += "-elsewhere" // of a run that lives nobody can say that it is dead
	if _, err := book.Acquire(g.t.Context(), target, owner, time.Second); err != nil {
		g.t.Fatal(err)
	}
	journal, err := book.Begin(target, owner)
	if err == nil {
		err = journal.Record(g.t.Context(), ledger.Entry{Event: ledger.Intent, Payload: ledger.Payload{Backend: backend}})
	}
	if err != nil {
		g.t.Fatal(err)
	}
	g.must("unlock", target, "--run", owner.Run)
}

// The state that a run changed is looked at, and not the one that the unit has by now.
func TestRecoverLooksAtTheStateOfTheRun(t *testing.T) {
	g := newGuarded(t)
	g.cutOff(guardedTarget, &ledger.Backend{Type: "local", Coordinates: map[string]string{"path": "/elsewhere"}})
	before := g.world()
	if code, out := g.penstock("recover"); code != 3 || !strings.Contains(out, `the run changed "local path=/elsewhere"`) {
		t.Errorf("exit %d: %s", code, out)
	}
	g.same(before)
}

// A run on a unit that was taken away is not recovered, and that is not a pass.
func TestRecoverSaysWhatItCannotComeTo(t *testing.T) {
	g := newGuarded(t)
	g.cutOff("dvlp/live/dvlp/gone", nil)
	before := g.world()
	if code, out := g.penstock("recover"); code != 3 || !strings.Contains(out, "there is no such unit here any more") {
		t.Errorf("exit %d: %s", code, out)
	}
	if code, out := g.penstock("recover", "--environment", "prod"); code == 3 && strings.Contains(out, "there is no such unit") {
		t.Errorf("of another environment: exit %d: %s", code, out)
	}
	g.same(before)
}
