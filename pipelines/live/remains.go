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
		there := after.Addresses[change.Address]
		creates, deletes := slices.Contains(change.Actions, "create"), slices.Contains(change.Actions, "delete")
		switch {
		case !started:
			r.open = append(r.open, change)
		case done[change.Address], creates && !deletes && there, deletes && !creates && !there:
			r.applied = append(r.applied, change)
		default:
			r.unknown = append(r.unknown, change)
		}
	}
	return r
}

// String says it in a sentence, naming what is not known.
func (r remains) String() string {
	if len(r.applied)+len(r.unknown) == 0 {
		return fmt.Sprintf("nothing was applied, %d changes remain", len(r.open))
	}
	s := fmt.Sprintf("%d changes were applied, %d are not known", len(r.applied), len(r.unknown))
	if len(r.unknown) > 0 {
		var list []string
		for _, change := range r.unknown {
			list = append(list, change.Address+" ("+strings.Join(change.Actions, ", ")+")")
		}
		s += ": look whether they exist outside the state: " + strings.Join(list, "; ")
	}
	return s + "; plan again for what remains"
}
