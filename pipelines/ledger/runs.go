package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/penstock-dev/penstock/pipelines/store"
)

// Run is what a journal tells of one run on one target.
type Run struct {
	Target string
	ID     string
	// Entries are in order, without a gap.
	Entries []Entry
	// Contested says that two wrote entries of the same number: the run lived
	// on while another recovered it. It is over when that was recovered in turn.
	Contested bool
}

// Over says whether the run was finished or recovered.
func (r Run) Over() bool {
	_, over := closing(r.Entries)
	return over
}

// Owner is who began the run.
func (r Run) Owner() Owner { return r.Entries[0].By }

// closing returns the last entry that ends the run, if one does: none that comes
// with another of its number, or before a number that two wrote.
func closing(entries []Entry) (Entry, bool) {
	last, contested := -1, 0
	for i, e := range entries {
		if i > 0 && entries[i-1].Seq == e.Seq {
			contested = e.Seq
		}
		if e.Event.closes() {
			last = i
		}
	}
	if last < 0 || entries[last].Seq <= contested {
		return Entry{}, false
	}
	return entries[last], true
}

// Runs returns the runs on a target, the oldest first. A gap, or an entry that
// cannot be read, is an error.
func (l *Ledger) Runs(ctx context.Context, target string) ([]Run, error) {
	if err := CheckTarget(target); err != nil {
		return nil, err
	}
	all, err := l.index(ctx, journalDir(target))
	if err != nil {
		return nil, err
	}
	mine := slices.DeleteFunc(all, func(r Run) bool { return r.Target != target }) // those below are targets of their own
	return l.readRuns(ctx, mine)
}

// Run returns one run. store.ErrNotFound where there is no such.
func (l *Ledger) Run(ctx context.Context, target, run string) (Run, error) {
	if err := checkRun(target, run); err != nil {
		return Run{}, err
	}
	found, err := l.index(ctx, journalDir(target)+run+"/")
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("reading run %q on %q: %w", run, target, store.ErrNotFound)
	}
	if err != nil {
		return Run{}, err
	}
	read, err := l.readRuns(ctx, found)
	if err != nil {
		return Run{}, err
	}
	return read[0], nil
}

// Unfinished returns the runs on all targets that had an intent and were neither
// finished nor recovered, the oldest first. Of runs that are over it reads the
// entry that says so, and of all others every one.
func (l *Ledger) Unfinished(ctx context.Context) ([]Run, error) {
	all, err := l.index(ctx, "journal/")
	if err != nil {
		return nil, err
	}
	var open, ends []Run
	for _, r := range all {
		if end, over := closing(r.Entries); over {
			ends = append(ends, Run{Target: r.Target, ID: r.ID, Entries: []Entry{end}})
		} else {
			open = append(open, r)
		}
	}
	if _, err := l.readRuns(ctx, ends); err != nil {
		return nil, err
	}
	return l.readRuns(ctx, open)
}

// index lists the runs under a prefix with what the names of their entries tell.
func (l *Ledger) index(ctx context.Context, prefix string) ([]Run, error) {
	listed, err := l.store.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	runs := map[string]*Run{}
	var wrong []error
	for _, object := range listed {
		e, err := parseName(object.Name)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		key := e.Run + "/" + e.Target
		if runs[key] == nil {
			runs[key] = &Run{Target: e.Target, ID: e.Run}
		}
		runs[key].Entries = append(runs[key].Entries, e)
	}
	var found []Run
	for _, r := range runs {
		wrong = append(wrong, r.order())
		found = append(found, *r)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, fmt.Errorf("reading journals in %s: %w", l.store, err)
	}
	slices.SortFunc(found, func(a, b Run) int { return strings.Compare(a.ID+"/"+a.Target, b.ID+"/"+b.Target) })
	return found, nil
}

// order sorts the entries and finds what is missing.
func (r *Run) order() error {
	slices.SortStableFunc(r.Entries, func(a, b Entry) int { return a.Seq - b.Seq })
	next := 1
	for _, e := range r.Entries {
		switch {
		case e.Seq == next-1 && e.Seq > 1:
			r.Contested = true
		case e.Seq != next || (e.Event == Intent) != (e.Seq == 1):
			return fmt.Errorf("the journal of run %s on %q has a gap before %q", r.ID, r.Target, e.name())
		default:
			next++
		}
	}
	return nil
}

// atOnce is how many entries are read at a time: from a bucket each takes a while.
const atOnce = 16

// readRuns reads every entry of the runs.
func (l *Ledger) readRuns(ctx context.Context, runs []Run) ([]Run, error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var wrong []error
	turn := make(chan struct{}, atOnce)
	for _, r := range runs {
		for i := range r.Entries {
			all.Go(func() {
				turn <- struct{}{}
				defer func() { <-turn }()
				if err := l.readEntry(ctx, &r.Entries[i]); err != nil {
					mu.Lock()
					defer mu.Unlock()
					wrong = append(wrong, err)
				}
			})
		}
	}
	all.Wait()
	return runs, errors.Join(wrong...)
}

// readEntry reads what a name promised.
func (l *Ledger) readEntry(ctx context.Context, e *Entry) error {
	name := e.name()
	var there Entry
	if _, err := l.read(ctx, name, &there); err != nil {
		return err
	}
	if there.name() != name {
		return fmt.Errorf("reading %q in %s: it is a copy of %q", name, l.store, there.name())
	}
	*e = there
	return nil
}
