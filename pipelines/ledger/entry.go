package ledger

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Event is what an entry of a journal tells.
type Event string

// The events of a run, in the order in which they come. Intent is the first of
// every run. After Finished or Recovered nothing is left to be done; a run whose
// tool ended in an orderly way is finished, whatever its result was. Failed says
// that penstock itself could not go on, and leaves the run unfinished.
const (
	Intent    Event = "intent"
	Locked    Event = "locked"
	Started   Event = "started"
	Progress  Event = "progress"
	Failed    Event = "failed"
	Finished  Event = "finished"
	Recovered Event = "recovered"
	Released  Event = "released"
)

var events = []Event{Intent, Locked, Started, Progress, Failed, Finished, Recovered, Released}

// closes says whether nothing is left to be done after the event.
func (e Event) closes() bool { return e == Finished || e == Recovered }

// Entry is one record of a journal.
type Entry struct {
	Format int    `json:"format"`
	Target string `json:"target"`
	// Run is the run that the journal is of, By who wrote the entry: another run
	// where it recovers that one.
	Run string `json:"run"`
	By  Owner  `json:"by"`
	// Seq counts the entries of a run from 1.
	Seq   int       `json:"seq"`
	Event Event     `json:"event"`
	At    time.Time `json:"at"`
	Payload
}

// Payload is what an entry tells beside its event. Every field may be empty; none
// holds a secret.
type Payload struct {
	// Capsule is the digest of the plan that is applied: sha256:...
	Capsule string   `json:"capsule,omitempty"`
	Backend *Backend `json:"backend,omitempty"`
	// LockID is the id under which the state is locked.
	LockID string `json:"lockID,omitempty"`
	// Before and After name the state.
	Before  *State   `json:"before,omitempty"`
	After   *State   `json:"after,omitempty"`
	Changes []Change `json:"changes,omitempty"`
	Result  *Result  `json:"result,omitempty"`
	// Note is a sentence for a reader.
	Note string `json:"note,omitempty"`
}

// Backend says where a state is kept, e.g. type s3 with bucket, key, region.
type Backend struct {
	Type        string            `json:"type"`
	Workspace   string            `json:"workspace,omitempty"`
	Coordinates map[string]string `json:"coordinates,omitempty"`
}

// State names one content of a state.
type State struct {
	Lineage string `json:"lineage"`
	Serial  uint64 `json:"serial"`
}

// Change is what is done to one resource, in the words of Terraform's plan.
type Change struct {
	Address string   `json:"address"`
	Actions []string `json:"actions"`
}

// Result is how the tool ended.
type Result struct {
	OK   bool `json:"ok"`
	Exit int  `json:"exit"`
	// Message is the tool's own, redacted.
	Message string `json:"message,omitempty"`
}

func (e Entry) name() string {
	return fmt.Sprintf("%s%s/%06d-%s.json", journalDir(e.Target), e.Run, e.Seq, e.Event)
}

var entryForm = regexp.MustCompile(`^journal/(.+)/([^/]+)/([0-9]{6,})-([a-z]+)\.json$`)

// parseName is the inverse of Entry.name; it refuses every other name.
func parseName(name string) (Entry, error) {
	parts := entryForm.FindStringSubmatch(name)
	if parts == nil || !runID.MatchString(parts[2]) || !slices.Contains(events, Event(parts[4])) {
		return Entry{}, fmt.Errorf("%q is no entry of a journal", name)
	}
	seq, err := strconv.Atoi(strings.TrimLeft(parts[3], "0"))
	e := Entry{Target: parts[1], Run: parts[2], Seq: seq, Event: Event(parts[4])}
	if err != nil || e.name() != name || CheckTarget(e.Target) != nil {
		return Entry{}, fmt.Errorf("%q is no entry of a journal", name)
	}
	return e, nil
}
