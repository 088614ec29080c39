package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// LookSchema is the version of the JSON form of a Look.
const LookSchema = "penstock.drift/v1"

// DriftOutcome is what a look came to.
type DriftOutcome string

const (
	// Clean: world, state and code are the same, but for what is ignored.
	Clean DriftOutcome = "clean"
	// Drifted: they are not.
	Drifted DriftOutcome = "drifted"
	// Failing: nobody knows.
	Failing DriftOutcome = "error"
)

// Look is the record of one look at a target. It carries forward what the ones
// before it said, so that the last one tells the whole story even when the first
// ones are pruned.
type Look struct {
	Schema      string       `json:"schema"`
	Target      string       `json:"target"`
	Unit        string       `json:"unit"`
	Environment string       `json:"environment"`
	Outcome     DriftOutcome `json:"outcome"`
	// Digest binds what may be shown of the drift; empty without drift.
	Digest string `json:"digest,omitempty"`
	// Outside counts the resources that were changed outside of the code, Pending
	// those of which the code says otherwise than the state, Ignored the attributes
	// that may drift.
	Outside int `json:"outside"`
	Pending int `json:"pending"`
	Ignored int `json:"ignored"`
	// At is when the look began, Seconds how long it took.
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"`

	// Looks counts this look and all before it, Errors those in a row up to this
	// one that ended with an error, Times how often it went from clean to drifted.
	Looks  int `json:"looks"`
	Errors int `json:"errors"`
	Times  int `json:"times"`
	// First is when it was ever seen drifted, Since when this drift was first seen,
	// LastClean when it was last seen clean. Nil: never.
	First     *time.Time `json:"first_drifted,omitempty"`
	Since     *time.Time `json:"since,omitempty"`
	LastClean *time.Time `json:"last_clean,omitempty"`
	// Issue: there is an open issue on it.
	Issue bool `json:"issue,omitempty"`
}

// next is the record that follows l, the zero value where there was none.
func (l Look) next(t Target, seen look, at time.Time, took time.Duration) Look {
	if !at.After(l.At) { // by another machine's clock: what comes later sorts later
		at = l.At.Add(time.Nanosecond)
	}
	n := l
	n.Schema, n.Target, n.Unit, n.Environment = LookSchema, t.ID(), t.Unit.Path, t.Environment.Name
	n.Outcome, n.Digest, n.At, n.Seconds = seen.outcome, seen.digest(), at, took.Seconds()
	n.Outside, n.Pending = seen.count(ruleOutside), seen.count(rulePending)
	n.Ignored = seen.ignored
	n.Looks++
	switch seen.outcome {
	case Clean:
		n.Errors, n.Since, n.LastClean = 0, nil, &at
	case Drifted:
		n.Errors = 0
		if n.First == nil {
			n.First = &at
		}
		if n.Since == nil {
			n.Since = &at
			n.Times++
		}
	default:
		n.Errors++
	}
	return n
}

// keptLooks is how many records of a target are kept.
const keptLooks = 200

const looksDir = "drift/"

// looksPrefix is where the records of a target are: the path of a unit may hold
// what a name in a store cannot.
func looksPrefix(t Target) string {
	return path.Join("drift", t.Environment.Name, hexOf(digestOf(t.Unit.Path))[:24]) + "/"
}

// lookTime sorts as text.
const lookTime = "20060102T150405.000000000Z"

// pastLooks are the names of a target's records, the oldest first.
type pastLooks []string

// pastOf lists the records of every target.
func pastOf(ctx context.Context, s store.Store) (map[string]pastLooks, error) {
	entries, err := s.List(ctx, looksDir)
	if err != nil {
		return nil, fmt.Errorf("looking for earlier looks: %w", err)
	}
	past := map[string]pastLooks{}
	for _, e := range entries {
		dir, file := path.Split(e.Name)
		if _, err := time.Parse(lookTime+".json", file); err != nil || strings.Count(dir, "/") != 3 {
			return nil, &pipelines.Error{Err: fmt.Errorf("looking for earlier looks: %q in %s is none", e.Name, s), Hint: "move it out of " + looksDir}
		}
		past[dir] = append(past[dir], e.Name)
	}
	return past, nil
}

// newest is the file of the last look; "" sorts before all.
func (p pastLooks) newest() string {
	if len(p) == 0 {
		return ""
	}
	return path.Base(p[len(p)-1])
}

// last reads the last record; the zero value where there is none.
func (p pastLooks) last(ctx context.Context, s store.Store) (Look, error) {
	if len(p) == 0 {
		return Look{}, nil
	}
	name := p[len(p)-1]
	content, _, err := s.Read(ctx, name)
	if err != nil {
		return Look{}, fmt.Errorf("reading the last look: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(content, 1<<20))
	if err = errors.Join(err, content.Close()); err != nil {
		return Look{}, fmt.Errorf("reading the last look %q: %w", name, err)
	}
	var l Look
	if err := json.Unmarshal(text, &l); err != nil || l.Schema != LookSchema {
		return Look{}, &pipelines.Error{Err: fmt.Errorf("reading the last look %q in %s: it is not of the schema %s", name, s, LookSchema),
			Hint: "remove that record: the one before it then counts"}
	}
	return l, nil
}

// remember appends a record and drops the oldest beyond those that are kept.
func (d *drifting) remember(ctx context.Context, t Target, l Look) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	prefix := looksPrefix(t)
	for at := l.At; ; at = at.Add(time.Nanosecond) { // two runs may look in the same moment
		err = d.Store.Create(ctx, prefix+at.Format(lookTime)+".json", bytes.NewReader(text))
		if !errors.Is(err, store.ErrExists) || at.Sub(l.At) > 100 {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("remembering the look: %w", err)
	}
	return prune(ctx, d.Store, prefix)
}

// prune removes what is beyond the newest, by what is there now and not by what
// the run saw when it began. A record that someone else removes first is gone all the
// same; a store that cannot remove keeps all.
func prune(ctx context.Context, s store.Store, prefix string) error {
	entries, err := s.List(ctx, prefix)
	if err != nil {
		return fmt.Errorf("pruning old looks: %w", err)
	}
	for _, e := range slices.Clone(entries[:max(0, len(entries)-keptLooks)]) {
		content, version, err := s.Read(ctx, e.Name)
		if err == nil {
			content.Close()
			err = s.Delete(ctx, e.Name, version)
		}
		switch {
		case errors.Is(err, store.ErrUnsupported):
			return nil
		case err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrChanged):
			return fmt.Errorf("pruning old looks: %w", err)
		}
	}
	return nil
}
