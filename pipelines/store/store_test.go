package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	ociserver "github.com/google/go-containerregistry/pkg/registry"
	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

// eachKind runs a test on every kind of store.
func eachKind(t *testing.T, test func(*testing.T, Store)) {
	for kind, address := range map[string]func(*testing.T) string{
		"directory": func(t *testing.T) string { return t.TempDir() },
		"s3":        func(t *testing.T) string { return storetest.NewS3(t).Address("some/prefix") },
		"oci":       newRegistry,
	} {
		t.Run(kind, func(t *testing.T) {
			s, err := Open(t.Context(), address(t))
			if err != nil {
				t.Fatal(err)
			}
			test(t, s)
		})
	}
}

func newRegistry(t *testing.T) string {
	server := httptest.NewServer(ociserver.New(ociserver.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return "oci://" + strings.TrimPrefix(server.URL, "http://") + "/team/ledger"
}

func create(t *testing.T, s Store, name, content string) error {
	t.Helper()
	return s.Create(t.Context(), name, strings.NewReader(content))
}

func read(t *testing.T, s Store, name string) (string, Version) {
	t.Helper()
	content, version, err := s.Read(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	text, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), version
}

func TestCreateReadList(t *testing.T) {
	eachKind(t, func(t *testing.T, s Store) {
		if found, err := s.List(t.Context(), ""); err != nil || len(found) != 0 {
			t.Fatalf("a new store holds %v, %v", found, err)
		}
		contents := map[string]string{
			"a": "first", "b/c": "", "b/c2/d": "x\x00\xff", "b_c": "under", "b-é ü": "letters",
			"big": strings.Repeat("0123456789", 1<<20),
		}
		for name, content := range contents {
			if err := create(t, s, name, content); err != nil {
				t.Fatal(err)
			}
		}
		for name, content := range contents {
			if got, version := read(t, s, name); got != content || version == "" {
				t.Errorf("%q has %d bytes, version %q", name, len(got), version)
			}
			if err := create(t, s, name, "other"); !errors.Is(err, ErrExists) {
				t.Errorf("creating %q again: %v", name, err)
			}
			if err := create(t, s, name, content); !errors.Is(err, ErrExists) {
				t.Errorf("creating %q again with the same content: %v", name, err)
			}
			if got, _ := read(t, s, name); got != content {
				t.Errorf("%q was overwritten", name)
			}
		}
		for prefix, want := range map[string][]string{
			"": {"a", "b-é ü", "b/c", "b/c2/d", "b_c", "big"}, "b": {"b-é ü", "b/c", "b/c2/d", "b_c", "big"},
			"b/": {"b/c", "b/c2/d"}, "b/c": {"b/c", "b/c2/d"}, "b/c2/": {"b/c2/d"}, "nothing/here": nil,
		} {
			found, err := s.List(t.Context(), prefix)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, entry := range found {
				names = append(names, entry.Name)
				if entry.Size != int64(len(contents[entry.Name])) || entry.Modified.IsZero() {
					t.Errorf("got %+v", entry)
				}
			}
			if !slices.Equal(names, want) {
				t.Errorf("%q lists %q, want %q", prefix, names, want)
			}
		}
		for _, name := range []string{"none", "b", "b/c3"} {
			if _, _, err := s.Read(t.Context(), name); !errors.Is(err, ErrNotFound) {
				t.Errorf("reading %q: %v", name, err)
			}
		}
	})
}

func TestReplaceAndDeleteWantTheVersion(t *testing.T) {
	eachKind(t, func(t *testing.T, s Store) {
		if err := create(t, s, "dir/x", "one"); err != nil {
			t.Fatal(err)
		}
		_, one := read(t, s, "dir/x")
		if s.Exclusive() != nil {
			for _, err := range []error{s.Exclusive(), s.Replace(t.Context(), "dir/x", nil, one), s.Delete(t.Context(), "dir/x", one)} {
				if !errors.Is(err, ErrUnsupported) {
					t.Errorf("got %v", err)
				}
			}
			if got, _ := read(t, s, "dir/x"); got != "one" {
				t.Errorf("got %q", got)
			}
			return
		}
		if err := s.Replace(t.Context(), "dir/x", []byte("two"), one); err != nil {
			t.Fatal(err)
		}
		got, two := read(t, s, "dir/x")
		if got != "two" || two == one {
			t.Fatalf("got %q, version %q after %q", got, two, one)
		}
		for _, old := range []Version{one, "", "made up", `"made up"`} {
			if err := s.Replace(t.Context(), "dir/x", []byte("three"), old); !errors.Is(err, ErrChanged) {
				t.Errorf("replacing %q: %v", old, err)
			}
			if err := s.Delete(t.Context(), "dir/x", old); !errors.Is(err, ErrChanged) {
				t.Errorf("deleting %q: %v", old, err)
			}
		}
		if got, _ := read(t, s, "dir/x"); got != "two" {
			t.Fatalf("got %q", got)
		}
		if err := s.Delete(t.Context(), "dir/x", two); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Read(t.Context(), "dir/x"); !errors.Is(err, ErrNotFound) {
			t.Errorf("after the deletion: %v", err)
		}
		if err := s.Delete(t.Context(), "dir/x", two); !errors.Is(err, ErrChanged) {
			t.Errorf("deleting what is gone: %v", err)
		}
		if err := s.Replace(t.Context(), "dir/x", nil, two); !errors.Is(err, ErrChanged) {
			t.Errorf("replacing what is gone: %v", err)
		}
		if err := create(t, s, "dir/x", "again"); err != nil {
			t.Error(err)
		}
	})
}

// Of many at once exactly one wins, every round, and its content is what stays.
func TestOneOfManyWins(t *testing.T) {
	const rounds, many = 10, 64
	eachKind(t, func(t *testing.T, s Store) {
		for round := range rounds {
			name := fmt.Sprintf("round/%d", round)
			won := contend(many, func(i int) error {
				return s.Create(t.Context(), name, bytes.NewReader(fmt.Append(nil, "creator ", i)))
			}, ErrExists, t.Errorf)
			if s.Exclusive() != nil { // a registry promises less: what stays is whole, and of one that was told so
				got, _ := read(t, s, name)
				if !slices.ContainsFunc(won, func(i int) bool { return got == fmt.Sprint("creator ", i) }) {
					t.Fatalf("%d won, and %q stayed", won, got)
				}
				continue
			}
			got, version := read(t, s, name)
			if len(won) != 1 || got != fmt.Sprint("creator ", won[0]) {
				t.Fatalf("%d created %s, and %q stayed", won, name, got)
			}
			won = contend(many, func(i int) error {
				return s.Replace(t.Context(), name, fmt.Append(nil, "replacer ", i), version)
			}, ErrChanged, t.Errorf)
			got, version = read(t, s, name)
			if len(won) != 1 || got != fmt.Sprint("replacer ", won[0]) {
				t.Fatalf("%d replaced %s, and %q stayed", won, name, got)
			}
			if won = contend(many, func(int) error { return s.Delete(t.Context(), name, version) }, ErrChanged, t.Errorf); len(won) != 1 {
				t.Fatalf("%d deleted %s", won, name)
			}
		}
	})
}

// contend does something many times at once and returns who succeeded; every
// other must have got the error that says that it came too late.
func contend(many int, do func(int) error, late error, wrong func(string, ...any)) (won []int) {
	var all sync.WaitGroup
	var mu sync.Mutex
	start := make(chan struct{})
	for i := range many {
		all.Go(func() {
			<-start
			err := do(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won = append(won, i)
			} else if !errors.Is(err, late) {
				wrong("contender %d: %v", i, err)
			}
		})
	}
	close(start)
	all.Wait()
	return won
}

func TestNamesAreChecked(t *testing.T) {
	long := strings.Repeat("x", 201)
	eachKind(t, func(t *testing.T, s Store) {
		for _, name := range []string{"", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\\b", "a\nb", "a\x1b[31m", "a\xff", "a\u202eb",
			".penstock", ".penstock/lock", long, strings.Repeat(long[:100]+"/", 9) + "x"} {
			_, _, err := s.Read(t.Context(), name)
			for what, err := range map[string]error{
				"create": create(t, s, name, ""), "read": err,
				"replace": s.Replace(t.Context(), name, nil, "x"), "delete": s.Delete(t.Context(), name, "x"),
			} {
				if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrChanged) {
					t.Errorf("%s of %q: %v", what, name, err)
				}
			}
		}
		if found, err := s.List(t.Context(), ""); err != nil || len(found) != 0 {
			t.Errorf("something came of it: %v, %v", found, err)
		}
	})
}

func TestAddressesAreRefused(t *testing.T) {
	for _, address := range []string{"", "s3://", "s3:///prefix", "s3://user:hunter2@bucket/x", "s3://bucket?regoin=x", "s3://bucket?region=a&region=b",
		"s3://bucket/a/../b", "s3://bucket?endpoint=http://a:hunter2@host", "oci://", "oci://repository", "oci://host/UPPER", "oci://user:hunter2@host/repository",
		"oci://host/repository?x=hunter2", "https://host/x", "file://host/x", "s3://bucket:hunter2:x/%zz"} {
		s, err := Open(t.Context(), address)
		if err == nil || s != nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, %v", address, s, err)
		}
	}
}
