package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// late is a store whose clock is ahead: what is in it looks older.
type late struct {
	store.Store
	by time.Duration
}

func (l late) Now(ctx context.Context) (time.Time, error) {
	now, err := l.Store.Now(ctx)
	return now.Add(l.by), err
}

// Only the clock of the store counts, for what is in it and for now: the owner's
// may be off by years.
func TestExpiryIsJudgedByTheStore(t *testing.T) {
	eachStore(t, func(t *testing.T, l *Ledger) {
		o := owner(t)
		for _, since := range []time.Time{time.Unix(0, 0), time.Now().AddDate(9, 0, 0)} {
			record := holding{Format: format, Target: "t", Owner: o, Since: since, TTL: "1m0s"}
			if err := l.create(t.Context(), leaseName("t"), record); err != nil {
				t.Fatal(err)
			}
			held, err := l.Look(t.Context(), "t")
			if err != nil || held.Expired() || !held.Since.Equal(since) {
				t.Errorf("got %+v, %v", held, err)
			}
			if held, err = New(late{l.store, time.Hour}).Look(t.Context(), "t"); err != nil || !held.Expired() {
				t.Errorf("an hour later: %+v, %v", held, err)
			}
			if err := l.Break(t.Context(), "t", held.Version); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestExpiredLeaseIsNotTaken(t *testing.T) {
	eachStore(t, func(t *testing.T, l *Ledger) {
		first := owner(t)
		if _, err := l.Acquire(t.Context(), "live/x", first, time.Minute); err != nil {
			t.Fatal(err)
		}
		afterwards := New(late{l.store, time.Hour})
		_, err := afterwards.Acquire(t.Context(), "live/x", owner(t), time.Minute)
		var held *HeldError
		if !errors.As(err, &held) || !held.Expired() || held.Owner != first {
			t.Fatalf("got %v", err)
		}
		for _, want := range []string{first.Run, "expired 59m", "nothing shows that the run is dead"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %q", want, err)
			}
		}
		var shown *pipelines.Error
		if !errors.As(err, &shown) || !strings.HasPrefix(shown.Hint, "run penstock recover: ") {
			t.Errorf("no hint in %v", err)
		}
		if err := l.Break(t.Context(), "live/x", held.Version); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Acquire(t.Context(), "live/x", owner(t), time.Minute); err != nil {
			t.Error(err)
		}
	})
}

func TestRenewedLeaseIsNotBroken(t *testing.T) {
	eachStore(t, func(t *testing.T, l *Ledger) {
		lease, err := l.Acquire(t.Context(), "x", owner(t), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		seen, err := l.Look(t.Context(), "x")
		if err == nil {
			err = lease.renew(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Break(t.Context(), "x", seen.Version); !errors.Is(err, store.ErrChanged) {
			t.Errorf("got %v", err)
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A lease that is kept stays through many times its ttl. What ends the wait is
// the number of renewals, not a clock.
func TestKeepRenews(t *testing.T) {
	eachStore(t, func(t *testing.T, l *Ledger) {
		lease, err := l.Acquire(t.Context(), "x", owner(t), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		kept, stop := lease.Keep(t.Context())
		until(t, func() bool {
			lease.mu.Lock()
			defer lease.mu.Unlock()
			return lease.now.Renewals >= 4
		})
		if kept.Err() != nil {
			t.Errorf("it ended: %v", context.Cause(kept))
		}
		stop()
		if !errors.Is(context.Cause(kept), context.Canceled) || errors.Is(context.Cause(kept), ErrLost) {
			t.Errorf("after stop: %v", context.Cause(kept))
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestLostLeaseEndsTheContext(t *testing.T) {
	eachStore(t, func(t *testing.T, l *Ledger) {
		for _, taken := range []bool{false, true} {
			lease, err := l.Acquire(t.Context(), "x", owner(t), time.Second)
			if err != nil {
				t.Fatal(err)
			}
			kept, stop := lease.Keep(t.Context())
			defer stop()
			until(t, func() bool { // a renewal may come in between
				held, err := l.Look(t.Context(), "x")
				return err == nil && l.Break(t.Context(), "x", held.Version) == nil
			})
			var next *Lease
			if taken {
				if next, err = l.Acquire(t.Context(), "x", owner(t), time.Minute); err != nil {
					t.Fatal(err)
				}
			}
			<-kept.Done()
			if !errors.Is(context.Cause(kept), ErrLost) {
				t.Errorf("ended by %v", context.Cause(kept))
			}
			if err := lease.Release(t.Context()); !errors.Is(err, ErrLost) {
				t.Errorf("releasing what was lost: %v", err)
			}
			if taken {
				if err := next.Release(t.Context()); err != nil {
					t.Errorf("the next one's lease: %v", err)
				}
			}
		}
	})
}

// A store that cannot be reached for the whole ttl ends the context; one that is
// back in time does not.
func TestUnreachableStore(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	server := storetest.NewS3(t)
	l := open(t, server.Address("x"))
	lease, err := l.Acquire(t.Context(), "x", owner(t), 3*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	kept, stop := lease.Keep(t.Context())
	defer stop()
	refused := server.Refused.Load()
	server.Down.Store(true)
	until(t, func() bool { return server.Refused.Load() > refused })
	server.Down.Store(false)
	until(t, func() bool {
		lease.mu.Lock()
		defer lease.mu.Unlock()
		return lease.now.Renewals > 0
	})
	if kept.Err() != nil {
		t.Fatalf("it ended: %v", context.Cause(kept))
	}
	server.Down.Store(true)
	<-kept.Done()
	if !errors.Is(context.Cause(kept), ErrLost) || !strings.Contains(context.Cause(kept).Error(), "could not be renewed for 3s") {
		t.Errorf("ended by %v", context.Cause(kept))
	}
	server.Down.Store(false)
	held, err := l.Look(t.Context(), "x")
	if err != nil || held.Owner.Run == "" {
		t.Errorf("nobody took it: %+v, %v", held, err)
	}
}

// A renewal whose answer was lost was done: the lease knows it again.
func TestLostAnswerToARenewal(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1") // so that the SDK does not settle it
	server := storetest.NewS3(t)
	l := open(t, server.Address("x"))
	lease, err := l.Acquire(t.Context(), "x", owner(t), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	server.Lose.Store(1)
	if err := lease.renew(t.Context()); err == nil || errors.Is(err, store.ErrChanged) {
		t.Fatalf("got %v", err)
	}
	if err := lease.renew(t.Context()); err != nil {
		t.Errorf("after it: %v", err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestUnreadableLeaseIsNotFree(t *testing.T) {
	for _, text := range []string{"", "{", "null", "{}", `{"format":2}`, `{"format":1}`, `{"format":1,"target":"other","ttl":"1m"}`,
		`{"format":1,"target":"x","ttl":"1m","more":1}`} {
		dir := t.TempDir()
		l := open(t, dir)
		if err := l.store.Create(t.Context(), "lease/x.json", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Acquire(t.Context(), "x", owner(t), time.Minute); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%q: %v", text, err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "lease", "x.json")); err != nil || string(got) != text {
			t.Errorf("%q was changed: %q, %v", text, got, err)
		}
	}
}

func TestWrongTargetsAndStores(t *testing.T) {
	l := open(t, t.TempDir())
	o := owner(t)
	for _, target := range []string{"", "/x", "../x", "x/", "a/" + o.Run, o.Run + "/a", "a.json", "a.json/b", "a\nb", strings.Repeat("abcdefg/", 100) + "x"} {
		if _, err := l.Acquire(t.Context(), target, o, time.Minute); err == nil {
			t.Errorf("leased %q", target)
		}
		if _, err := l.Begin(target, o); err == nil {
			t.Errorf("began %q", target)
		}
	}
	if _, err := l.Acquire(t.Context(), "x", o, time.Millisecond); err == nil {
		t.Error("leased for a millisecond")
	}
	if _, err := l.Acquire(t.Context(), "x", Owner{Run: "../../x"}, time.Minute); err == nil {
		t.Error("leased to nobody")
	}
	s, err := store.Open(t.Context(), "oci://127.0.0.1:1/never/asked")
	if err != nil {
		t.Fatal(err)
	}
	var shown *pipelines.Error
	if _, err := New(s).Acquire(t.Context(), "x", o, time.Minute); !errors.Is(err, store.ErrUnsupported) || !errors.As(err, &shown) {
		t.Errorf("a lease in a registry: %v", err)
	}
	if err := New(s).Use(t.Context(), digest, o); !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("a mark in a registry: %v", err)
	}
}

// until waits for what is known to come; the test's own limit ends it otherwise.
func until(t *testing.T, there func() bool) {
	t.Helper()
	for !there() {
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
