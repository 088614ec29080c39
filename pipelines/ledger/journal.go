package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines/store"
)

// Journal writes the entries of one run on one target. Its methods may be called
// at once.
type Journal struct {
	ledger *Ledger
	target string
	run    string
	by     Owner

	mu   sync.Mutex
	last int
	// open is an entry of which it is not known whether it was written.
	open *Entry
}

// Begin returns the journal of a new run, which has to begin with Intent.
func (l *Ledger) Begin(target string, owner Owner) (*Journal, error) {
	if err := checkRun(target, owner.Run); err != nil {
		return nil, fmt.Errorf("beginning a journal: %w", err)
	}
	return &Journal{ledger: l, target: target, run: owner.Run, by: owner}, nil
}

// Continue returns the journal of a run that was cut off, for the one who
// recovers it: entries go behind those that are there.
func (l *Ledger) Continue(ctx context.Context, target, run string, by Owner) (*Journal, error) {
	doing := fmt.Sprintf("continuing the journal of run %q on %q", run, target)
	if err := errors.Join(checkRun(target, run), checkRun(target, by.Run)); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	there, err := l.Run(ctx, target, run)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return &Journal{ledger: l, target: target, run: run, by: by, last: there.Entries[len(there.Entries)-1].Seq}, nil
}

func checkRun(target, run string) error {
	if !runID.MatchString(run) {
		return fmt.Errorf("%q is not the id of a run", run)
	}
	return CheckTarget(target)
}

// Record writes the next entry: its Event and Payload, the rest is filled in.
// When it returns nil, the entry is in the store for good. After an error it may
// or may not be there; the next Record settles that first.
func (j *Journal) Record(ctx context.Context, e Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	doing := fmt.Sprintf("recording %q of run %s on %q", e.Event, j.run, j.target)
	if err := j.settle(ctx); err != nil {
		return fmt.Errorf("%s: the entry before it: %w", doing, err)
	}
	if (e.Event == Intent) != (j.last == 0) {
		return fmt.Errorf("%s: the first entry, and only that, is %q", doing, Intent)
	}
	e.Format, e.Target, e.Run, e.By, e.Seq, e.At = format, j.target, j.run, j.by, j.last+1, time.Now().UTC()
	if _, err := parseName(e.name()); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	j.open = &e
	if err := j.settle(ctx); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// settle writes the open entry, or finds that it was written.
func (j *Journal) settle(ctx context.Context) error {
	if j.open == nil {
		return nil
	}
	text, err := encode(j.open)
	if err == nil && len(text) > maxRecord {
		err = fmt.Errorf("it is longer than %d bytes", maxRecord)
	}
	if err != nil {
		j.open = nil // it can never be written
		return err
	}
	err = j.ledger.store.Create(ctx, j.open.name(), bytes.NewReader(text))
	if errors.Is(err, store.ErrExists) {
		var there Entry
		_, readErr := j.ledger.read(ctx, j.open.name(), &there)
		if readErr != nil {
			return fmt.Errorf("%w; reading what is there: %w", err, readErr)
		}
		if again, _ := encode(there); bytes.Equal(again, text) {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	j.last, j.open = j.open.Seq, nil
	return nil
}
