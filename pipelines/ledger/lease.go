package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// holding is the record of a lease.
type holding struct {
	Format   int       `json:"format"`
	Target   string    `json:"target"`
	Owner    Owner     `json:"owner"`
	Since    time.Time `json:"since"`
	TTL      string    `json:"ttl"`
	Renewals int       `json:"renewals"` // makes each renewal a version of its own
}

// Held is a lease as others see it. Times are the store's, so that the clocks of
// the machines that use it do not matter.
type Held struct {
	Target string
	Owner  Owner
	// Since is when it was taken, by the owner's clock.
	Since time.Time
	// Renewed is when its record was written last, Expires when it runs out
	// unless it is renewed, Now when it was looked at.
	Renewed, Expires, Now time.Time
	// Version is what Break wants to see.
	Version store.Version
}

// Expired says whether the owner has stopped renewing. It may live all the same.
func (h Held) Expired() bool { return !h.Now.Before(h.Expires) }

// HeldError says that someone else holds the target.
type HeldError struct{ Held }

func (e *HeldError) Error() string {
	age := func(t time.Time) time.Duration { return max(e.Now.Sub(t).Round(time.Second), 0) } // its clock may be ahead
	text := fmt.Sprintf("%q is held by %s, for %v, last renewed %v ago", e.Target, e.Owner, age(e.Since), age(e.Renewed))
	if e.Expired() {
		return fmt.Sprintf("%s; the lease expired %v ago, but nothing shows that the run is dead, so it is not taken over", text, age(e.Expires))
	}
	return fmt.Sprintf("%s, until %s unless it is renewed", text, e.Expires.UTC().Format(time.RFC3339))
}

// hint names no unit: whoever knows what the target is says more.
func (e *HeldError) hint() string {
	if e.Expired() {
		return "run penstock recover: it finds out whether that run still lives"
	}
	return "wait for that run to end; if it was killed, run penstock recover"
}

// Lease is the right to change a target. Its methods may be called at once.
type Lease struct {
	ledger *Ledger
	ttl    time.Duration

	mu  sync.Mutex
	now holding
	// version is that of the record, empty where it has to be looked up.
	version  store.Version
	released bool
	// good is when the request that last wrote the record was begun, by the
	// clock of this process that only goes forward.
	good time.Time
}

// Acquire takes the lease of a target for ttl, to be renewed by Keep. Where it is
// held, expired or not, the error is a *HeldError.
func (l *Ledger) Acquire(ctx context.Context, target string, owner Owner, ttl time.Duration) (*Lease, error) {
	if err := CheckTarget(target); err != nil {
		return nil, err
	}
	doing := fmt.Sprintf("taking the lease of %q", target)
	if ttl < time.Second || !runID.MatchString(owner.Run) {
		return nil, fmt.Errorf("%s: it needs an owner from NewOwner and at least a second, not %v", doing, ttl)
	}
	if err := l.store.Exclusive(); err != nil {
		return nil, refused(doing, err)
	}
	for range 10 {
		lease := &Lease{ledger: l, ttl: ttl, good: time.Now(), now: holding{
			Format: format, Target: target, Owner: owner, Since: time.Now().UTC(), TTL: ttl.String(),
		}}
		err := l.create(ctx, leaseName(target), lease.now)
		if err == nil {
			return lease, nil
		}
		if !errors.Is(err, store.ErrExists) {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		held, err := l.Look(ctx, target)
		if err == nil {
			known := &HeldError{held}
			return nil, &pipelines.Error{Err: known, Hint: known.hint()}
		}
		if !errors.Is(err, store.ErrNotFound) { // released in between: try again
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
	}
	return nil, fmt.Errorf("%s: it is taken and released all the time", doing)
}

// Look returns the lease of a target, store.ErrNotFound where nobody holds it.
func (l *Ledger) Look(ctx context.Context, target string) (Held, error) {
	if err := CheckTarget(target); err != nil {
		return Held{}, err
	}
	var there holding
	version, err := l.read(ctx, leaseName(target), &there)
	if err != nil {
		return Held{}, err
	}
	ttl, err := time.ParseDuration(there.TTL)
	if err == nil && there.Target != target {
		err = fmt.Errorf("it is of %q", there.Target)
	}
	if err != nil {
		return Held{}, fmt.Errorf("reading the lease of %q: %w", target, err)
	}
	held := Held{Target: target, Owner: there.Owner, Since: there.Since, Version: version}
	// Both times are asked for after the record was read: a renewal in between
	// makes it look younger, never older.
	entries, err := l.store.List(ctx, leaseName(target))
	if err != nil {
		return Held{}, err
	}
	for _, entry := range entries {
		if entry.Name == leaseName(target) {
			held.Renewed = entry.Modified
		}
	}
	if held.Renewed.IsZero() {
		return Held{}, fmt.Errorf("reading the lease of %q: %w", target, store.ErrNotFound)
	}
	held.Expires = held.Renewed.Add(ttl)
	held.Now, err = l.store.Now(ctx)
	return held, err
}

// Break removes the lease of someone else, if it is still as it was seen: a
// renewal in between means that its owner lives, and is store.ErrChanged. It is
// for recovery, after the owner was proven dead.
func (l *Ledger) Break(ctx context.Context, target string, seen store.Version) error {
	if err := CheckTarget(target); err != nil {
		return err
	}
	if err := l.store.Delete(ctx, leaseName(target), seen); err != nil {
		return fmt.Errorf("breaking the lease of %q: %w", target, err)
	}
	return nil
}

// Release gives the lease back. ErrLost where it was someone else's by then.
func (l *Lease) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.find(ctx)
	if err == nil {
		err = l.ledger.store.Delete(ctx, leaseName(l.now.Target), l.version)
	}
	if errors.Is(err, store.ErrChanged) {
		err = fmt.Errorf("%w: %w", ErrLost, err)
	}
	if err != nil {
		l.version = ""
		return fmt.Errorf("releasing the lease of %q: %w", l.now.Target, err)
	}
	l.released = true
	return nil
}
