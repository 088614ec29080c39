package bundle

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func published(t *testing.T) (from, public string, p *Packed) {
	t.Helper()
	key, public := newKey(t)
	p = packed(t, "1.2.0", key, sources)
	from = t.TempDir()
	if _, err := Publish(t.Context(), p, from); err != nil {
		t.Fatal(err)
	}
	return from, public, p
}

func TestPullFromEachKind(t *testing.T) {
	key, public := newKey(t)
	p := packed(t, "1.2.0", key, sources)
	digest := p.Statement.Digest
	eachKind(t, func(t *testing.T, address string) {
		if _, err := Publish(t.Context(), p, address); err != nil {
			t.Fatal(err)
		}
		for _, asked := range [][2]string{{"1.2.0", ""}, {"", digest}, {"1.2.0", digest}} {
			b, err := Pull(t.Context(), pinned(address, asked[0], asked[1], public), cacheIn(t))
			if err != nil {
				t.Fatal(err)
			}
			if b.Version != "1.2.0" || b.Digest != digest || b.Signer != "platform" {
				t.Errorf("pulled %+v", b)
			}
			text, err := fs.ReadFile(b.FS(), "terraform/service-iac/main.tf")
			if err != nil || string(text) != sources["terraform/service-iac/main.tf"] {
				t.Errorf("it holds %q, %v", text, err)
			}
			readOnlyTree(t, b.Dir)
		}
	})
}

// readOnlyTree holds every mode on disk to be read-only.
func readOnlyTree(t *testing.T, dir string) {
	t.Helper()
	count := 0
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o444)
		if entry.IsDir() {
			want = fs.ModeDir | 0o555
		} else if strings.HasSuffix(name, ".sh") {
			want = 0o555
		}
		if info.Mode() != want {
			t.Errorf("%s has the mode %v, want %v", name, info.Mode(), want)
		}
		count++
		return nil
	})
	if err != nil || count < 20 {
		t.Errorf("%d entries, %v", count, err)
	}
}

func TestTheCacheIsJudgedAgain(t *testing.T) {
	from, public, p := published(t)
	o := cacheIn(t)
	ask := pinned(from, "", p.Statement.Digest, public)
	b, err := Pull(t.Context(), ask, o)
	if err != nil {
		t.Fatal(err)
	}
	// Pinned by digest, the cache is enough, and another directory alike.
	gone := ask
	gone.From = filepath.Join(from, "gone")
	if _, err := Pull(t.Context(), gone, o); err != nil {
		t.Errorf("without the place: %v", err)
	}
	_, stranger := newKey(t)
	gone.Signers = map[string]string{"x": stranger}
	if _, err := Pull(t.Context(), gone, o); err == nil {
		t.Error("the cache is trusted for a signer who did not sign")
	}
	gone.Signers = nil
	if _, err := Pull(t.Context(), gone, o); !errors.Is(err, ErrSigner) {
		t.Errorf("nobody is trusted: %v", err)
	}
	offline := gone
	offline.Signers = ask.Signers
	main := filepath.Join(b.Dir, "terraform/service-iac/main.tf")
	for name, change := range map[string]func() error{
		"a byte":             func() error { return errors.Join(os.Chmod(main, 0o644), os.WriteFile(main, []byte("evil"), 0o644)) },
		"a file less":        func() error { return os.Remove(main) },
		"a file more":        func() error { return os.WriteFile(filepath.Join(b.Dir, "terraform/service-iac/extra.tf"), nil, 0o444) },
		"a directory more":   func() error { return os.Mkdir(filepath.Join(b.Dir, "terraform/extra"), 0o555) },
		"a link in place":    func() error { return errors.Join(os.Remove(main), os.Symlink("run.sh", main)) },
		"another mode":       func() error { return os.Chmod(main, 0o755) },
		"another manifest":   func() error { return os.WriteFile(filepath.Join(b.Dir, manifestName), []byte("{}"), 0o644) },
		"no statement":       func() error { return os.Remove(filepath.Join(b.Dir, recordName)) },
		"an empty directory": func() error { return errors.Join(remove(b.Dir), os.Mkdir(b.Dir, 0o755)) },
	} {
		if err := filepath.WalkDir(b.Dir, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				err = os.Chmod(name, 0o755)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, writable := range []string{manifestName} {
			_ = os.Chmod(filepath.Join(b.Dir, writable), 0o644)
		}
		if err := change(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name != "no statement" && name != "an empty directory" {
			if _, err := Open(t.Context(), b.Dir); !errors.Is(err, ErrRefused) {
				t.Errorf("%s: it can be opened: %v", name, err)
			}
		}
		if _, err := Pull(t.Context(), offline, o); err == nil {
			t.Errorf("%s: the cache is used as it is", name)
		}
		again, err := Pull(t.Context(), ask, o)
		if err != nil {
			t.Fatalf("%s: pulling again: %v", name, err)
		}
		readOnlyTree(t, again.Dir)
		if _, err := Open(t.Context(), again.Dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlacesThatLie(t *testing.T) {
	from, public, p := published(t)
	key, _ := newKey(t)
	older := filepath.Join(from, byVersion("1.9.0"))
	statement, err := os.ReadFile(filepath.Join(from, byVersion("1.2.0")))
	if err != nil {
		t.Fatal(err)
	}
	put(t, older, string(statement)) // a signed statement under a newer version
	if _, err := Pull(t.Context(), pinned(from, "1.9.0", "", public), cacheIn(t)); !errors.Is(err, ErrStatement) {
		t.Errorf("an older bundle in place of a newer: %v", err)
	}
	if _, err := Pull(t.Context(), pinned(from, "1.2.0", "sha256:"+strings.Repeat("0", 64), public), cacheIn(t)); err == nil || !strings.Contains(err.Error(), "not published") {
		t.Errorf("another digest: %v", err)
	}
	foreign, err := p.Statement.sign(key)
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(from, byDigest(p.Statement.Digest, archiveEnd))
	for name, change := range map[string]func(){
		"signed by a stranger": func() { rewrite(t, filepath.Join(from, byVersion("1.2.0")), foreign) },
		"another archive":      func() { rewrite(t, archive, append([]byte{p.Archive[0] ^ 1}, p.Archive[1:]...)) },
		"a longer archive":     func() { rewrite(t, archive, append(p.Archive[:len(p.Archive):len(p.Archive)], 0)) },
		"a shorter archive":    func() { rewrite(t, archive, p.Archive[:100]) },
	} {
		change()
		o := cacheIn(t)
		if _, err := Pull(t.Context(), pinned(from, "1.2.0", "", public), o); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
		if kept, _ := filepath.Glob(filepath.Join(o.Cache, "kept", "*")); len(kept) > 0 {
			t.Errorf("%s: it left %q", name, kept)
		}
		rewrite(t, archive, p.Archive)
		rewrite(t, filepath.Join(from, byVersion("1.2.0")), p.Record)
	}
	if _, err := Pull(t.Context(), pinned("./not-there", "1.2.0", "", public), cacheIn(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a place that is not there: %v", err)
	}
}

func rewrite(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, text, 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestPullsSideBySide(t *testing.T) {
	from, public, p := published(t)
	o := cacheIn(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			b, err := Pull(t.Context(), pinned(from, "1.2.0", "", public), o)
			if err != nil || b.Digest != p.Statement.Digest {
				t.Errorf("%+v, %v", b, err)
			}
		})
	}
	wg.Wait()
	if left, _ := filepath.Glob(filepath.Join(o.Cache, "new-*")); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// countdown is a context that ends when it has been asked a number of times: an
// interruption at every place that looks for one.
type countdown struct {
	context.Context
	mu   sync.Mutex
	left int
}

func (c *countdown) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func (c *countdown) Deadline() (time.Time, bool) { return time.Time{}, false }

func TestInterruptedAnywhereNothingHalfIsLeft(t *testing.T) {
	from, public, _ := published(t)
	whole, interrupted := 0, 0
	for n := 0; whole < 2; n += 1 + n/12 {
		o := cacheIn(t)
		dir := t.TempDir()
		t.Cleanup(func() { _ = remove(dir) })
		out := filepath.Join(dir, "out")
		ask := pinned(from, "1.2.0", "", public)
		whole = 0
		for _, pull := range []func(context.Context) (*Bundle, error){
			func(ctx context.Context) (*Bundle, error) { return Pull(ctx, ask, o) },
			func(ctx context.Context) (*Bundle, error) { return PullTo(ctx, ask, o, out) },
		} {
			if _, err := pull(&countdown{Context: t.Context(), left: n}); err == nil {
				whole++
			} else if !errors.Is(err, context.Canceled) {
				t.Fatalf("after %d looks: %v", n, err)
			} else {
				interrupted++
			}
		}
		left, _ := filepath.Glob(filepath.Join(o.Cache, "new-*"))
		hidden, _ := filepath.Glob(filepath.Join(dir, ".out*"))
		if len(left)+len(hidden) > 0 {
			t.Errorf("after %d looks it left %q, %q", n, left, hidden)
		}
		// What has its name is whole.
		kept, _ := filepath.Glob(filepath.Join(o.Cache, "kept", "*"))
		for _, there := range append(kept, out) {
			if _, err := os.Stat(there); err != nil {
				continue
			}
			if _, err := Open(t.Context(), there); err != nil {
				t.Errorf("after %d looks: %v", n, err)
			}
		}
	}
	if interrupted < 50 {
		t.Errorf("interrupted %d times alone", interrupted)
	}
	t.Logf("interrupted %d times, nothing half was left", interrupted)
}

// Interrupted while the archive arrives: it does not wait for the rest.
func TestInterruptedWhileItArrives(t *testing.T) {
	key, public := newKey(t)
	p := packed(t, "1.2.0", key, sources)
	ctx, interrupt := context.WithCancel(t.Context())
	var arrives atomic.Bool
	address := newRegistry(t, func(r *http.Request) bool {
		if arrives.Load() && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/blobs/"+p.Statement.Digest) {
			interrupt()
			<-r.Context().Done() // it never answers
		}
		return false
	})
	if _, err := Publish(t.Context(), p, address); err != nil {
		t.Fatal(err)
	}
	arrives.Store(true)
	o := cacheIn(t)
	if _, err := Pull(ctx, pinned(address, "1.2.0", "", public), o); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(o.Cache, "*", "*")); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// A pull that was killed is swept by the next.
func TestWhatAKilledPullLeft(t *testing.T) {
	from, public, _ := published(t)
	o := cacheIn(t)
	left := filepath.Join(o.Cache, "new-1", "sha256-x", "terraform")
	put(t, filepath.Join(left, "main.tf"), "half")
	if err := os.Chmod(left, 0o555); err != nil {
		t.Fatal(err)
	}
	if _, err := Pull(t.Context(), pinned(from, "1.2.0", "", public), o); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(o.Cache, "new-1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestPullIntoADirectoryThatIsThere(t *testing.T) {
	from, public, _ := published(t)
	out := t.TempDir()
	if _, err := PullTo(t.Context(), pinned(from, "1.2.0", "", public), cacheIn(t), out); err == nil || !strings.Contains(err.Error(), "already") {
		t.Error(err)
	}
}
