package helm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/shell"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// Room is where the ledger of releases lies in a store, beside that of live infrastructure:
// penstock recover is not for these runs, the next deploy repairs them.
const Room = "helm"

// leaseTTL is how long the lease of a release holds without being renewed.
const leaseTTL = 2 * time.Minute

// guard keeps others from changing the release, and knows who changed it before.
type guard struct {
	book    *ledger.Ledger
	coroner ledger.Coroner
	target  string
	// address is what a command line calls the store.
	address string
	owner   ledger.Owner
	// abandoned is the age from which a run of which nothing can be known cannot be at work
	// any more: helm ends each of its operations within the timeout.
	abandoned time.Duration
	lease     *ledger.Lease
	journal   *ledger.Journal
	// ended says that the journal tells how the run came out.
	ended bool
	// took says of whom the lease was taken over, and why.
	took string
}

// target names a release in the ledger.
func target(environment, service string) string { return environment + "/" + service }

func newGuard(s store.Store, coroner ledger.Coroner, name string, owner ledger.Owner, timeout time.Duration) *guard {
	return &guard{book: ledger.New(s), coroner: coroner, target: name, owner: owner, abandoned: 4*timeout + leaseTTL}
}

// take takes the lease. It is taken over from a run only where that is proven dead, or
// can no longer be at work; else the error says who holds it and for how long.
func (g *guard) take(ctx context.Context) error {
	for range 3 {
		lease, err := g.book.Acquire(ctx, g.target, g.owner, leaseTTL)
		if err == nil {
			g.lease = lease
			return nil
		}
		var held *ledger.HeldError
		if !errors.As(err, &held) {
			return err
		}
		over, why := g.over(ctx, held.Owner, held.Now.Sub(held.Renewed))
		if !over {
			return g.refusal(held, why)
		}
		err = g.book.Break(ctx, g.target, held.Version)
		if err != nil && !errors.Is(err, store.ErrChanged) && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil {
			g.took = fmt.Sprintf("the lease of %s was taken over: %s", held.Owner, why)
		}
	}
	return fmt.Errorf("taking the lease of %q: others take it all the time", g.target)
}

// over says whether a run cannot change anything any more, and why. quiet is for how
// long nothing was heard of it.
func (g *guard) over(ctx context.Context, owner ledger.Owner, quiet time.Duration) (bool, string) {
	state, why := g.coroner.Alive(ctx, owner)
	switch {
	case state == ledger.Dead:
		return true, why
	case state == ledger.Living:
		return false, why
	case quiet > g.abandoned:
		return true, fmt.Sprintf("nothing was heard of it for %v, longer than all that it started may take (%v); %s", quiet.Round(time.Second), g.abandoned, why)
	}
	return false, why
}

func (g *guard) refusal(held *ledger.HeldError, why string) error {
	age := func(t time.Time) time.Duration { return max(held.Now.Sub(t).Round(time.Second), 0) }
	return &pipelines.Error{
		Err: fmt.Errorf("the release %q is being changed by %s, for %v, last heard of %v ago: %s",
			g.target, held.Owner, age(held.Since), age(held.Renewed), why),
		Hint: "wait for that run to end; if you know that it is dead: " + shell.Line("penstock", "unlock", g.target, "--store", g.address, "--run", held.Owner.Run),
	}
}

// look says who holds the lease, "" where nobody does: for a dry run, which takes none.
func (g *guard) look(ctx context.Context) (string, error) {
	held, err := g.book.Look(ctx, g.target)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return held.Owner.String(), nil
}

// intend writes down what is about to be done.
func (g *guard) intend(ctx context.Context, note string) error {
	journal, err := g.book.Begin(g.target, g.owner)
	if err != nil {
		return err
	}
	g.journal = journal
	return journal.Record(ctx, ledger.Entry{Event: ledger.Intent, Payload: ledger.Payload{Note: note}})
}

// record adds an entry where there was an intent.
func (g *guard) record(ctx context.Context, event ledger.Event, p ledger.Payload) error {
	if g.journal == nil {
		return nil
	}
	g.ended = g.ended || event == ledger.Failed || event == ledger.Finished
	return g.journal.Record(ctx, ledger.Entry{Event: event, Payload: p})
}

// end closes the journal of a run that came to no deploy. Where the release is not in
// order, the next run has to find this one unfinished.
func (g *guard) end(ctx context.Context, inOrder bool) error {
	if g.ended {
		return nil
	}
	if !inOrder {
		return g.record(ctx, ledger.Failed, ledger.Payload{Note: "the release was found out of order, and was not repaired"})
	}
	return g.record(ctx, ledger.Finished, ledger.Payload{Result: &ledger.Result{OK: false}, Note: "nothing was deployed"})
}

// release gives the lease back, even where the run was interrupted.
func (g *guard) release(ctx context.Context) error {
	if g.lease == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return g.lease.Release(ctx)
}

// settle closes the journals of runs before this one, which left the release as it was
// found and repaired: no other run of this target can be at work while the lease is ours.
func (g *guard) settle(ctx context.Context, note string) error {
	open, err := g.book.Unfinished(ctx)
	if err != nil {
		return err
	}
	for _, r := range open {
		if r.Target != g.target || r.ID == g.owner.Run {
			continue
		}
		journal, err := g.book.Continue(ctx, g.target, r.ID, g.owner)
		if err != nil {
			return err
		}
		if err := journal.Record(ctx, ledger.Entry{Event: ledger.Recovered, Payload: ledger.Payload{Note: note}}); err != nil {
			return err
		}
	}
	return nil
}
