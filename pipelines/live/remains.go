package live

import (
	"fmt"
	"slices"
	"strings"

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

// String says it in a sentence, naming what is not known.
func (r remains) String() string {
	if len(r.applied)+len(r.unknown) == 0 {
		return fmt.Sprintf("nothing was applied, %d changes remain", len(r.open))
	}
	s := fmt.Sprintf("%d changes were applied, %d are not known", len(r.applied), len(r.unknown))
	if len(r.unknown) > 0 {
		s += ": " + elsewhere(r.unknown)
	}
	return s + "; plan again for what remains"
}

// elsewhere asks a person to look for what no state may know of.
func elsewhere(unknown []ledger.Change) string {
	var list []string
	for _, change := range unknown {
		list = append(list, change.Address+" ("+strings.Join(change.Actions, ", ")+")")
	}
	return "look whether they exist outside the state: " + strings.Join(list, "; ")
}
