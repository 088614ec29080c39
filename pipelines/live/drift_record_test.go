package live

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/redact"
	"github.com/penstock-dev/penstock/pipelines/store"
)

func driftTarget(unit string) Target {
	return Target{Unit: pipelines.Unit{Path: unit, Kind: pipelines.Live}, Environment: config.Environment{Name: "prod"}}
}

func driftedLook(addresses ...string) look {
	seen := look{outcome: Drifted}
	for _, a := range addresses {
		seen.differences = append(seen.differences, difference{Rule: ruleOutside, Next: "update", Change: redact.Change{Address: a, Action: "update"}})
	}
	return seen
}

var (
	cleanLook   = look{outcome: Clean}
	failingLook = look{outcome: Failing, failure: pipelines.Result{Reason: "the cloud is @down", Hint: "wait"}}
)

// A record carries the story forward: since when, how often, the last clean look.
func TestLooksTellAStory(t *testing.T) {
	var l Look
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	hour := func(n int) string { return start.Add(time.Duration(n) * time.Hour).Format("15h") }
	when := func(at *time.Time) string {
		if at == nil {
			return "never"
		}
		return at.Format("15h")
	}
	for i, step := range []struct {
		seen               look
		times, errors      int
		since, first, last string
	}{
		{cleanLook, 0, 0, "never", "never", hour(0)},
		{failingLook, 0, 1, "never", "never", hour(0)},
		{driftedLook("a"), 1, 0, hour(2), hour(2), hour(0)},
		{failingLook, 1, 1, hour(2), hour(2), hour(0)},
		{failingLook, 1, 2, hour(2), hour(2), hour(0)},
		{driftedLook("a", "b"), 1, 0, hour(2), hour(2), hour(0)}, // nobody saw it clean in between
		{cleanLook, 1, 0, "never", hour(2), hour(6)},
		{driftedLook("a"), 2, 0, hour(7), hour(2), hour(6)},
	} {
		l = l.next(driftTarget("live/a"), step.seen, start.Add(time.Duration(i)*time.Hour), time.Second)
		if l.Times != step.times || l.Errors != step.errors || when(l.Since) != step.since || when(l.First) != step.first || when(l.LastClean) != step.last || l.Looks != i+1 {
			t.Errorf("look %d: %+v, since %s, first %s, last clean %s", i, l, when(l.Since), when(l.First), when(l.LastClean))
		}
		if (l.Digest != "") != (l.Outcome == Drifted) {
			t.Errorf("look %d: the digest is %q", i, l.Digest)
		}
	}
	if driftedLook("a", "b").digest() != driftedLook("b", "a").digest() || driftedLook("a").digest() == driftedLook("b").digest() {
		t.Error("a digest is of what drifted, in any order")
	}
	// A machine whose clock is behind does not change the order.
	if late := l.next(driftTarget("live/a"), cleanLook, start, 0); !late.At.After(l.At) {
		t.Errorf("%v follows %v", late.At, l.At)
	}
}

func dirStore(t *testing.T) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Old records go, the newest stay and tell the whole story; of runs at the same time
// each keeps its record, and none trips over what another removed.
func TestLooksArePruned(t *testing.T) {
	s := dirStore(t)
	a, b := driftTarget("live/a"), driftTarget("live/b")
	d := &drifting{Drift: Drift{Store: s}}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := d.remember(t.Context(), b, Look{}.next(b, cleanLook, start, 0)); err != nil {
		t.Fatal(err)
	}
	var l Look
	for i := range keptLooks + 5 {
		l = l.next(a, cleanLook, start.Add(time.Duration(i)*time.Minute), 0)
		if err := d.remember(t.Context(), a, l); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { // all in the same moment
			if err := d.remember(t.Context(), a, l.next(a, driftedLook("x"), start.Add(1000*time.Hour), 0)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	past, err := pastOf(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	names := past[looksPrefix(a)]
	if len(names) != keptLooks || len(past[looksPrefix(b)]) != 1 || !slices.IsSorted(names) {
		t.Fatalf("%d and %d records are kept", len(names), len(past[looksPrefix(b)]))
	}
	if newest := names[len(names)-8:]; !strings.Contains(newest[0], "20260211T160000.000000000Z") {
		t.Errorf("the newest are %q", newest)
	}
	looks, err := DriftHistory(t.Context(), s)
	if err != nil || len(looks) != 2 || looks[0].Target != "live/a" || looks[0].Looks != keptLooks+6 || looks[1].Looks != 1 {
		t.Errorf("the history is %+v, %v", looks, err)
	}
}

// What is not a record of ours, or is broken, is an error and never "never looked at".
func TestBrokenLooks(t *testing.T) {
	a := driftTarget("live/a")
	for name, file := range map[string]struct{ name, content string }{
		"foreign name":  {"drift/prod/x.json", "{}"},
		"foreign depth": {"drift/prod/a/b/20260101T000000.000000000Z.json", "{}"},
		"truncated":     {looksPrefix(a) + "20260101T000000.000000000Z.json", `{"schema":"penstock.dri`},
		"other schema":  {looksPrefix(a) + "20260101T000000.000000000Z.json", `{"schema":"penstock.drift/v2"}`},
		"empty":         {looksPrefix(a) + "20260101T000000.000000000Z.json", ``},
	} {
		s := dirStore(t)
		if err := s.Create(t.Context(), file.name, bytes.NewReader([]byte(file.content))); err != nil {
			t.Fatal(err)
		}
		if looks, err := DriftHistory(t.Context(), s); err == nil {
			t.Errorf("%s: the history is %+v", name, looks)
		}
	}
}

// Slices are apart and cover all; the oldest are those that nobody looked at.
func TestChosenTargets(t *testing.T) {
	var all []Target
	past := map[string]pastLooks{}
	for i := range 10 {
		target := driftTarget(fmt.Sprintf("live/%d", i))
		all = append(all, target)
		if i != 4 { // the higher the number, the longer ago
			past[looksPrefix(target)] = pastLooks{fmt.Sprintf("%s202601%02dT000000.000000000Z.json", looksPrefix(target), 20-i)}
		}
	}
	for of := 1; of <= 12; of++ {
		seen := map[string]int{}
		for part := 1; part <= of; part++ {
			some, err := chosen(all, past, Slice{part, of}, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, target := range some {
				seen[target.ID()]++
			}
		}
		for _, target := range all {
			if seen[target.ID()] != 1 {
				t.Errorf("of %d: %s is in %d slices", of, target.ID(), seen[target.ID()])
			}
		}
	}
	oldest, err := chosen(all, past, Slice{}, 3)
	if err != nil || len(oldest) != 3 || oldest[0].ID() != "live/4" || oldest[1].ID() != "live/9" || oldest[2].ID() != "live/8" {
		t.Errorf("the oldest are %v, %v", oldest, err)
	}
	both, err := chosen(all, past, Slice{1, 2}, 2)
	if err != nil || len(both) != 2 || both[0].ID() != "live/4" || both[1].ID() != "live/8" {
		t.Errorf("the oldest of a half are %v, %v", both, err)
	}
	for _, text := range []string{"", "3", "0/8", "9/8", "-1/8", "3/8/1", "a/b", "1/99999"} {
		if s, err := ParseSlice(text); err == nil {
			t.Errorf("%q is %v", text, s)
		}
	}
	if s, err := ParseSlice("3/8"); err != nil || s != (Slice{3, 8}) {
		t.Errorf("3/8 is %v, %v", s, err)
	}
}
