package live

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// What is said of each change of a run that was cut off, by what terraform said of it
// and whether the state has its address. An object that no state may know of is unknown.
func TestCompare(t *testing.T) {
	const applied, open, unknown = "applied", "open", "unknown"
	for _, row := range []struct {
		actions             string
		started, done, here bool
		is                  string
	}{
		{"create", false, false, false, open},
		{"create", true, false, false, unknown},
		{"create", true, true, false, unknown}, // made, and lost with the state that was not written
		{"create", true, false, true, applied},
		{"create", true, true, true, applied},
		{"delete", false, false, true, open},
		{"delete", true, false, false, applied},
		{"delete", true, true, true, applied}, // the next refresh sees it
		{"delete", true, false, true, unknown},
		{"update", true, true, true, applied},
		{"update", true, false, true, unknown},
		{"delete,create", true, true, true, unknown}, // in the state may be the old one
		{"create,delete", true, false, false, unknown},
		{"delete,create", false, false, true, open},
	} {
		change := ledger.Change{Address: "a.b", Actions: strings.Split(row.actions, ",")}
		run := ledger.Run{Entries: []ledger.Entry{{Event: ledger.Intent, Payload: ledger.Payload{Changes: []ledger.Change{change}}}}}
		if row.started {
			run.Entries = append(run.Entries, ledger.Entry{Event: ledger.Started})
		}
		if row.done {
			run.Entries = append(run.Entries, ledger.Entry{Event: ledger.Progress, Payload: ledger.Payload{Changes: []ledger.Change{change}}})
		}
		r := compare(run, pulled{Addresses: map[string]bool{"a.b": row.here}})
		for name, list := range map[string][]ledger.Change{applied: r.applied, open: r.open, unknown: r.unknown} {
			if (len(list) == 1) != (name == row.is) {
				t.Errorf("%+v: %s are %v", row, name, list)
			}
		}
		if found := r.findings(); (len(found) == 1 && found[0].Resource == "a.b") != (row.is == unknown) {
			t.Errorf("%+v: %+v", row, found)
		}
	}
}

// What an apply that ended with an error does not know.
func TestProgressUnknown(t *testing.T) {
	p := &progress{made: map[string]bool{}, last: time.Now()}
	say := func(kind, address, action string) {
		var l line
		l.Type, l.Hook.Resource.Addr, l.Hook.Action = kind, address, action
		p.hear(l)
	}
	for _, address := range []string{"a.crashed", "a.kept", "a.made", "a.replaced"} {
		say("apply_start", address, "create")
	}
	say("apply_complete", "a.made", "create")
	say("apply_errored", "a.crashed", "create")
	say("apply_errored", "a.kept", "create") // tainted: it is in the state
	say("apply_start", "a.gone", "delete")
	say("apply_errored", "a.gone", "delete")
	var unknown []string
	for _, c := range p.unknown(pulled{Addresses: map[string]bool{"a.kept": true, "a.made": true}}) {
		unknown = append(unknown, c.Address)
	}
	if !slices.Equal(unknown, []string{"a.crashed", "a.replaced"}) {
		t.Errorf("unknown are %q", unknown)
	}
}

// Addresses of a state are those of a plan: terraform quotes keys as HCL does.
func TestAddressesIn(t *testing.T) {
	found, err := addressesIn([]byte(`{"resources": [{"module": "module.m[\"x&y\"]", "mode": "managed", "type": "a", "name": "b", "instances": [
		{"index_key": 0}, {"index_key": "x\u0026y"}, {"index_key": "${z}%{z}$"}, {"index_key": "\"\\\n"}, {"index_key": "old", "deposed": "1"}]},
		{"mode": "data", "type": "c", "name": "d", "instances": [{}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	expected := []string{`data.c.d`, `module.m["x&y"].a.b["$${z}%%{z}$"]`, `module.m["x&y"].a.b["\"\\\n"]`, `module.m["x&y"].a.b["x&y"]`, `module.m["x&y"].a.b[0]`}
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, expected) {
		t.Errorf("got %q", got)
	}
}

// Every end that is not orderly is left to recover.
func TestCrashed(t *testing.T) {
	for exit, cut := range map[int]bool{-1: true, 0: false, 1: false, 2: true, 11: true} {
		if err := crashed(exit); (err != nil) != cut {
			t.Errorf("%d: %v", exit, err)
		}
	}
}
