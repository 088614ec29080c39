package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

func newBucket(t *testing.T) (*storetest.S3, Store) {
	t.Helper()
	server := storetest.NewS3(t)
	s, err := Open(t.Context(), server.Address("some/prefix"))
	if err != nil {
		t.Fatal(err)
	}
	return server, s
}

// A write whose answer was lost is sent again, and finds what it did.
func TestLostAnswersOfS3(t *testing.T) {
	server, s := newBucket(t)
	s.(*bucket).doubt(false)
	lost := func(what string, do func() error) {
		t.Helper()
		server.Writes.Store(0)
		server.Lose.Store(1)
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if server.Writes.Load() != 2 {
			t.Fatalf("%s was sent %d times", what, server.Writes.Load())
		}
	}
	lost("the creation", func() error { return create(t, s, "x", "one") })
	got, one := read(t, s, "x")
	if got != "one" {
		t.Fatalf("got %q", got)
	}
	lost("the replacement", func() error { return s.Replace(t.Context(), "x", []byte("two"), one) })
	got, two := read(t, s, "x")
	if got != "two" {
		t.Fatalf("got %q", got)
	}
	lost("the deletion", func() error { return s.Delete(t.Context(), "x", two) })
	if _, _, err := s.Read(t.Context(), "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// The same content is not the same write: a loser whose request is sent again
// must not take the winner's object for its own.
func TestTwinIsNotOursAfterALostAnswer(t *testing.T) {
	server, s := newBucket(t)
	if err := create(t, s, "x", "same"); err != nil {
		t.Fatal(err)
	}
	server.Lose.Store(1)
	if err := create(t, s, "x", "same"); !errors.Is(err, ErrExists) {
		t.Errorf("got %v", err)
	}
	_, seen := read(t, s, "x")
	if err := s.Replace(t.Context(), "x", []byte("next"), seen); err != nil {
		t.Fatal(err)
	}
	server.Lose.Store(1)
	if err := s.Replace(t.Context(), "x", []byte("next"), seen); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v", err)
	}
}

// What could not be asked is an error of its own, never "there is none" or "it exists".
func TestUnreachableS3IsNoAnswer(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	server, s := newBucket(t)
	missing, err := Open(t.Context(), strings.Replace(server.Address(""), server.Bucket, "no-such-bucket", 1))
	if err != nil {
		t.Fatal(err)
	}
	check := func(s Store) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, _, read := s.Read(ctx, "x")
		_, list := s.List(ctx, "")
		_, now := s.Now(ctx)
		for what, err := range map[string]error{"create": create(t, s, "x", ""), "read": read, "list": list, "now": now,
			"replace": s.Replace(ctx, "x", nil, "v"), "delete": s.Delete(ctx, "x", "v")} {
			if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) || errors.Is(err, ErrChanged) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	check(missing)
	server.Down.Store(true)
	check(s)
}

func TestEndpointAndRegionFromTheEnvironment(t *testing.T) {
	server := storetest.NewS3(t)
	t.Setenv("AWS_ENDPOINT_URL", server.Endpoint)
	s, err := Open(t.Context(), "s3://"+server.Bucket)
	if err == nil {
		err = create(t, s, "x", "there")
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := read(t, s, "x"); got != "there" || s.String() != "s3://"+server.Bucket {
		t.Errorf("got %q in %s", got, s)
	}
	if found, err := s.List(t.Context(), ""); err != nil || len(found) != 1 || found[0].Name != "x" {
		t.Errorf("got %v, %v", found, err)
	}
	t.Setenv("AWS_ENDPOINT_URL", "")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	if _, err := Open(t.Context(), "s3://"+server.Bucket); err == nil || !strings.Contains(err.Error(), "region") {
		t.Errorf("without a region: %v", err)
	}
}

// A server that passes over conditions would give one lease to two.
func TestServerThatIgnoresConditionsIsRefused(t *testing.T) {
	server, s := newBucket(t)
	for _, name := range []string{"x", "y"} {
		if err := create(t, s, name, "one"); err != nil {
			t.Fatal(err)
		}
	}
	_, one := read(t, s, "x")
	server.Careless.Store(true)
	s, err := Open(t.Context(), server.Address("some/prefix"))
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"create": create(t, s, "new", "n"), "replace": s.Replace(t.Context(), "x", []byte("two"), one),
		"delete": s.Delete(t.Context(), "y", one)} {
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Where two conditional writes meet, S3 refuses one without having judged it: it
// is sent again.
func TestConflictingWritesAreSentAgain(t *testing.T) {
	server, s := newBucket(t)
	server.Conflict.Store(1)
	if err := create(t, s, "x", "one"); err != nil {
		t.Fatal(err)
	}
	_, one := read(t, s, "x")
	server.Conflict.Store(1)
	if err := s.Replace(t.Context(), "x", []byte("two"), one); err != nil {
		t.Fatal(err)
	}
	if got, _ := read(t, s, "x"); got != "two" || server.Conflict.Load() >= 0 {
		t.Errorf("got %q", got)
	}
}

// A server that keeps to them is asked once.
func TestConditionsAreProvenOnce(t *testing.T) {
	server, s := newBucket(t)
	for round, want := range []int32{6, 3} {
		server.Writes.Store(0)
		err := create(t, s, "x", "one")
		if err != nil {
			t.Fatal(err)
		}
		_, one := read(t, s, "x")
		if err = s.Replace(t.Context(), "x", []byte("two"), one); err != nil {
			t.Fatal(err)
		}
		got, two := read(t, s, "x")
		if err = s.Delete(t.Context(), "x", two); err != nil || got != "two" {
			t.Fatal(got, err)
		}
		if server.Writes.Load() != want {
			t.Errorf("round %d: %d writes, want %d", round, server.Writes.Load(), want)
		}
	}
}

// More objects than a page of S3 has.
func TestListPages(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: 1001 objects take some seconds")
	}
	_, s := newBucket(t)
	for i := range 1001 {
		if err := create(t, s, "many/"+strings.Repeat("x", i/100)+string(rune('0'+i/10%10))+string(rune('0'+i%10)), ""); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := s.List(t.Context(), "many/"); err != nil || len(found) != 1001 {
		t.Errorf("%d listed, %v", len(found), err)
	}
}

// The times of objects are by the clock that Now tells.
func TestNowIsTheClockOfTheObjects(t *testing.T) {
	eachKind(t, func(t *testing.T, s Store) {
		before, err := s.Now(t.Context())
		if s.Exclusive() != nil {
			if !errors.Is(err, ErrUnsupported) {
				t.Errorf("got %v", err)
			}
			return
		}
		if err == nil {
			err = create(t, s, "x", "")
		}
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.List(t.Context(), "x")
		if err != nil || len(found) != 1 {
			t.Fatalf("got %v, %v", found, err)
		}
		after, err := s.Now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		const second = time.Second // of S3
		if m := found[0].Modified; m.Before(before.Add(-second)) || m.After(after.Add(second)) {
			t.Errorf("%v is not between %v and %v", m, before, after)
		}
	})
}
