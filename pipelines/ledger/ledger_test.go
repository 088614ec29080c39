package ledger

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/store"
)

const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func owner(t *testing.T) Owner {
	t.Helper()
	o, err := NewOwner("ada", CI{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestLeaseHasOneHolder(t *testing.T) {
	eachStore(t, func(t *testing.T, l *Ledger) {
		first, second := owner(t), owner(t)
		lease, err := l.Acquire(t.Context(), "live/dvlp/vpc", first, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Acquire(t.Context(), "live/dvlp/vpc", second, time.Minute)
		var held *HeldError
		if !errors.As(err, &held) || held.Owner != first || held.Expired() || held.Version == "" {
			t.Fatalf("got %v", err)
		}
		for _, want := range []string{`"live/dvlp/vpc" is held by run ` + first.Run + " of ada on ", "for ", "last renewed ", "until "} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %q", want, err)
			}
		}
		var shown *pipelines.Error
		if !errors.As(err, &shown) || !strings.HasSuffix(shown.Hint, "if it was killed, run penstock recover") {
			t.Errorf("no hint in %v", err)
		}
		if _, err := l.Acquire(t.Context(), "live/dvlp", second, time.Minute); err != nil {
			t.Errorf("the target above is another one: %v", err)
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Look(t.Context(), "live/dvlp/vpc"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after the release: %v", err)
		}
		if _, err := l.Acquire(t.Context(), "live/dvlp/vpc", second, time.Minute); err != nil {
			t.Error(err)
		}
		if err := lease.Release(t.Context()); !errors.Is(err, ErrLost) && !errors.Is(err, store.ErrChanged) {
			t.Errorf("a second release of what is someone else's: %v", err)
		}
	})
}

func TestJournalTellsWhatIsUnfinished(t *testing.T) {
	eachStore(t, func(t *testing.T, l *Ledger) {
		a, b := owner(t), owner(t)
		record := func(target string, o Owner, events ...Event) *Journal {
			t.Helper()
			j, err := l.Begin(target, o)
			for _, e := range events {
				if err == nil {
					err = j.Record(t.Context(), Entry{Event: e, Payload: Payload{Capsule: digest, Changes: []Change{{"a.b", []string{"create"}}}}})
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			return j
		}
		record("live/a", a, Intent, Locked, Started, Finished, Released)
		record("live/a", b, Intent, Locked, Started, Failed)
		record("live/a/below", b, Intent)
		runs, err := l.Runs(t.Context(), "live/a")
		if err != nil || len(runs) != 2 || runs[0].ID != a.Run || !runs[0].Over() || runs[1].Over() || len(runs[1].Entries) != 4 {
			t.Fatalf("got %v, %v", runs, err)
		}
		if got := runs[0].Entries[0]; got.Changes[0].Address != "a.b" || got.By != a || got.At.IsZero() {
			t.Errorf("got %+v", got)
		}
		open, err := l.Unfinished(t.Context())
		if err != nil || len(open) != 2 || open[0].Target != "live/a" || open[1].Target != "live/a/below" {
			t.Fatalf("got %v, %v", open, err)
		}
		rescue, err := l.Continue(t.Context(), "live/a", b.Run, a)
		if err == nil {
			err = rescue.Record(t.Context(), Entry{Event: Recovered})
		}
		if err != nil {
			t.Fatal(err)
		}
		if open, err = l.Unfinished(t.Context()); err != nil || len(open) != 1 {
			t.Errorf("got %v, %v", open, err)
		}
	})
}

func TestCapsuleIsUsedOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, l *Ledger) {
		first := owner(t)
		if err := l.Use(t.Context(), digest, first); err != nil {
			t.Fatal(err)
		}
		for _, by := range []Owner{first, owner(t)} {
			err := l.Use(t.Context(), digest, by)
			var known *UsedError
			if !errors.Is(err, ErrUsed) || !errors.As(err, &known) || known.By != first || !strings.Contains(err.Error(), first.Run) {
				t.Errorf("got %v", err)
			}
		}
		for _, wrong := range []string{"", "sha256:", strings.ToUpper(digest), digest + "0", "sha256-" + digest[7:], "../" + digest} {
			if err := l.Use(t.Context(), wrong, first); err == nil || errors.Is(err, ErrUsed) {
				t.Errorf("%q: %v", wrong, err)
			}
		}
	})
}
