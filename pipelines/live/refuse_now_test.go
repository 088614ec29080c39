package live_test

import (
	"strings"
	"testing"
)

// Gates that came after a capsule was sealed hold for it too.
func TestRefusesWhatNeedsAPersonByNow(t *testing.T) {
	g := newGuarded(t)
	c := g.sealed()
	if len(c.Manifest.Risk.Addresses) > 0 {
		t.Fatalf("a person was needed for %q", c.Manifest.Risk.Addresses)
	}
	g.write("penstock.yaml", g.yaml("approve: destructive", "approve: low"))
	g.commit()
	g.refused("approval", `"terraform_data.one" needs a person by what holds now`, nil)
	g.write("penstock.yaml", g.yaml())
	g.commit()
	g.applied()
}

// A choice that leaves nothing is no choice: an apply of nothing would pass.
func TestRefusesATargetOfAnotherEnvironment(t *testing.T) {
	g := newGuarded(t)
	g.sealed()
	before := g.world()
	code, out := g.penstock(g.applying("--only", guardedUnit, "--environment", "prod")...)
	if code != 2 || !strings.Contains(out, `"`+guardedUnit+`" is not in prod`) {
		t.Errorf("exit %d: %s", code, out)
	}
	g.same(before)
}
