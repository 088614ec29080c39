//go:build linux

package live_test

import (
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// A process id proves nothing on another machine, after a restart or in another
// process namespace, even where no process has it here: recover touches nothing there
// until a person says that the run is dead.
func TestRecoverLeavesRunsOfElsewhereAlone(t *testing.T) {
	for name, row := range map[string]struct {
		move func(*ledger.Machine)
		says string
	}{
		"boot":      {func(m *ledger.Machine) { m.Boot = "00000000-0000-0000-0000-000000000000" }, "it ran on another machine, or before a restart of this one"},
		"namespace": {func(m *ledger.Machine) { m.PIDNamespace = "pid:[1]" }, "it ran in another process namespace"},
		"host":      {func(m *ledger.Machine) { m.Host = "elsewhere" }, `it ran on a machine of another name ("elsewhere")`},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuarded(t)
			book := ledger.New(g.store())
			owner, err := ledger.NewOwner("eva", ledger.CI{})
			if err != nil {
				t.Fatal(err)
			}
			row.move(&owner.Machine)
			owner.PID = 1 << 30 // no process has it
			if _, err := book.Acquire(t.Context(), guardedTarget, owner, 1e9); err != nil {
				t.Fatal(err)
			}
			journal, err := book.Begin(guardedTarget, owner)
			if err == nil {
				err = journal.Record(t.Context(), ledger.Entry{Event: ledger.Intent})
			}
			if err != nil {
				t.Fatal(err)
			}
			before := g.world()
			for _, args := range [][]string{{"recover"}, {"recover", "--end"}} {
				code, out := g.penstock(args...)
				if code != 3 || !strings.Contains(out, "of eva is unknown: "+row.says) || !strings.Contains(out, "penstock unlock") {
					t.Errorf("%q: exit %d: %s", args, code, out)
				}
			}
			g.same(before)
			g.must("unlock", guardedTarget, "--run", owner.Run)
			if out := g.must("recover"); !strings.Contains(out, "run "+owner.Run+" of eva: nothing was applied") {
				t.Errorf("recover after unlock: %s", out)
			}
			g.sealed()
			g.applied()
		})
	}
}
