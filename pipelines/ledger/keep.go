package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines/store"
)

// ErrLost says that a lease is no longer held by the run that took it.
var ErrLost = errors.New("the lease was lost")

// Keep renews the lease every third of its ttl until stop is called, which waits
// for a renewal under way. The context that it returns ends, with ErrLost as its
// cause, when someone else broke the lease, or when it could not be renewed for
// its whole ttl.
func (l *Lease) Keep(ctx context.Context) (kept context.Context, stop func()) {
	kept, lose := context.WithCancelCause(ctx)
	var done sync.WaitGroup
	done.Go(func() { l.keep(kept, lose) })
	return kept, func() {
		lose(context.Canceled)
		done.Wait()
	}
}

func (l *Lease) keep(ctx context.Context, lose context.CancelCauseFunc) {
	wait := l.ttl / 3
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = l.ttl / 3
		err := l.renew(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, store.ErrChanged):
			lose(fmt.Errorf("renewing the lease of %q: %w: %w", l.now.Target, ErrLost, err))
			return
		case l.left() <= 0:
			lose(fmt.Errorf("renewing the lease of %q: %w: it could not be renewed for %v: %w", l.now.Target, ErrLost, l.ttl, err))
			return
		default: // the store was not reached: sooner again, and once at the very end
			wait = min(l.ttl/10, max(l.left(), 0))
		}
	}
}

// left is how long the lease lasts without a renewal.
func (l *Lease) left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ttl - time.Since(l.good)
}

// renew writes the record anew in place of the version that this lease wrote last.
func (l *Lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.ttl/3) // one that hangs must not keep the next from being tried
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released {
		return nil
	}
	begun := time.Now()
	if err := l.find(ctx); err != nil {
		return err
	}
	next := l.now
	next.Renewals++
	text, err := encode(next)
	if err == nil {
		err = l.ledger.store.Replace(ctx, leaseName(next.Target), text, l.version)
	}
	// Whether it was done or its answer was lost, the version is another one.
	l.version = ""
	if err != nil {
		return err
	}
	l.now, l.good = next, begun
	return nil
}

// find looks up the version of the record where it is not known. A record with
// this run in it was written by this lease: no other process has the run.
func (l *Lease) find(ctx context.Context) error {
	if l.version != "" {
		return nil
	}
	var there holding
	version, err := l.ledger.read(ctx, leaseName(l.now.Target), &there)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("%w: it is gone", store.ErrChanged)
	case err != nil:
		return err
	case there.Owner.Run != l.now.Owner.Run:
		return fmt.Errorf("%w: %s holds it", store.ErrChanged, there.Owner)
	}
	l.now, l.version = there, version
	return nil
}
