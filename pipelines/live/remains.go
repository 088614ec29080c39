package live

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// remains says what became of the changes of a run that was cut off.
type remains struct {
	applied, open []ledger.Change
	// unknown were perhaps made: where one creates, an object may exist that no
	// state knows of.
	unknown []ledger.Change
}

// compare tells from the journal and the state. Terraform writes the state after a
// change was made, so a change that is not in it may have been made all the same.
func compare(run ledger.Run, after pulled) remains {
	started := false
	var planned []ledger.Change
	done := map[string]bool{}
	for _, entry := range run.Entries {
		switch entry.Event {
		case ledger.Intent:
			planned = entry.Changes
		case ledger.Started:
			started = true
		case ledger.Progress:
			for _, change := range entry.Changes {
				done[change.Address] = true
			}
		}
	}
	var r remains
	for _, change := range planned {
		switch there := after.Addresses[change.Address]; {
		case !started:
			r.open = append(r.open, change)
		case settled(change, done[change.Address], there):
			r.applied = append(r.applied, change)
		default:
			r.unknown = append(r.unknown, change)
		}
	}
	return r
}

// settled says whether a change was made and leaves nothing that no state knows of.
// done is terraform's word that it made it, there whether the state has the address.
func settled(change ledger.Change, done, there bool) bool {
	creates, deletes := slices.Contains(change.Actions, "create"), slices.Contains(change.Actions, "delete")
	switch {
	case creates && deletes: // the object in the state may be the old one
		return false
	case creates: // terraform's word is older than the state that was lost with it
		return there
	case deletes:
		return done || !there
	}
	return done
}

// String says it in a sentence.
func (r remains) String() string {
	if len(r.applied)+len(r.unknown) == 0 {
		return fmt.Sprintf("nothing was applied, %d changes remain", len(r.open))
	}
	return fmt.Sprintf("%d changes were applied, of %d that is not known; plan again for what remains", len(r.applied), len(r.unknown))
}

// findings name each change of which it is not known whether it was made.
func (r remains) findings() []pipelines.Finding {
	var list []pipelines.Finding
	for _, change := range r.unknown {
		f := pipelines.Finding{Rule: "cut-off", Verdict: pipelines.Unknown, Severity: pipelines.High, Resource: change.Address,
			Message: "whether it was made is not known: " + strings.Join(change.Actions, ", "), Hint: "look at it; the next plan says what remains"}
		if slices.Contains(change.Actions, "create") {
			f.Hint = "look whether it exists outside the state: import it or remove it, then plan again"
		}
		list = append(list, f)
	}
	return list
}
