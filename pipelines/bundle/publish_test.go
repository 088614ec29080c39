package bundle

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

func TestPublishNeverOverwrites(t *testing.T) {
	key, public := newKey(t)
	other, _ := newKey(t)
	first := packed(t, "1.2.0", key, sources)
	changed := packed(t, "1.2.0", key, with(sources, map[string]string{"README.md": "changed\n"}))
	resigned := packed(t, "1.2.0", other, sources)
	next := packed(t, "1.3.0", key, sources)
	eachKind(t, func(t *testing.T, address string) {
		for i, step := range []struct {
			p       *Packed
			already bool
			want    error
		}{{first, false, nil}, {first, true, nil}, {changed, false, ErrPublished}, {resigned, true, nil}, {next, false, nil}, {first, true, nil}} {
			already, err := Publish(t.Context(), step.p, address)
			if already != step.already || !errors.Is(err, step.want) {
				t.Errorf("step %d: already %v, %v", i, already, err)
			}
		}
		b, err := Pull(t.Context(), pinned(address, "1.2.0", "", public), cacheIn(t))
		if err != nil || b.Digest != first.Statement.Digest {
			t.Errorf("after all that: %+v, %v", b, err)
		}
		// What is refused leaves nothing of itself.
		if _, err := Pull(t.Context(), pinned(address, "", changed.Statement.Digest, public), cacheIn(t)); err == nil || !strings.Contains(err.Error(), "not published") {
			t.Errorf("the refused one: %v", err)
		}
	})
}

func TestWhatCannotBePublished(t *testing.T) {
	key, _ := newKey(t)
	p := packed(t, "1.2.0", key, sources)
	unsigned, swapped, torn := *p, *p, *p
	unsigned.Record = nil
	swapped.SBOM = append(bytes.Clone(p.SBOM), '\n')
	torn.Archive = p.Archive[:len(p.Archive)-1]
	dir := t.TempDir()
	for name, p := range map[string]*Packed{"unsigned": &unsigned, "another SBOM": &swapped, "a torn archive": &torn} {
		if _, err := Publish(t.Context(), p, dir); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	for _, to := range []string{"", "oci://name-alone", "oci://registry.example.com", "ftp://x/y", "https://registry.example.com/x"} {
		if _, err := Publish(t.Context(), p, to); err == nil {
			t.Errorf("published to %q", to)
		}
	}
}

// Many at once, half with another content: one content wins, everybody is told.
func TestPublishersSideBySide(t *testing.T) {
	key, public := newKey(t)
	contents := []*Packed{packed(t, "1.2.0", key, sources), packed(t, "1.2.0", key, with(sources, map[string]string{"README.md": "changed\n"}))}
	for kind, address := range map[string]string{"directory": t.TempDir(), "s3": storetest.NewS3(t).Address("")} {
		var wg sync.WaitGroup
		var done [2]atomic.Int32
		for i := range 8 {
			wg.Go(func() {
				_, err := Publish(t.Context(), contents[i%2], address)
				if err == nil {
					done[i%2].Add(1)
				} else if !errors.Is(err, ErrPublished) {
					t.Errorf("%s: %v", kind, err)
				}
			})
		}
		wg.Wait()
		b, err := Pull(t.Context(), pinned(address, "1.2.0", "", public), cacheIn(t))
		if err != nil {
			t.Fatal(err)
		}
		winner := 0
		if b.Digest == contents[1].Statement.Digest {
			winner = 1
		}
		if done[winner].Load() != 4 || done[1-winner].Load() != 0 {
			t.Errorf("%s: %d of the winner's and %d of the other's succeeded, want 4 and 0", kind, done[winner].Load(), done[1-winner].Load())
		}
	}
}

// A registry that answers 500 from its nth write on: the version is not to be seen,
// and publishing again finishes it, whatever n is.
func TestARegistryThatFailsHalfWay(t *testing.T) {
	key, public := newKey(t)
	p := packed(t, "1.2.0", key, sources)
	failed := 0
	for after := int32(0); ; after++ {
		var down atomic.Bool
		var writes atomic.Int32
		down.Store(true)
		address := newRegistry(t, func(r *http.Request) bool {
			write := r.Method != http.MethodGet && r.Method != http.MethodHead
			return write && down.Load() && writes.Add(1) > after
		})
		_, err := Publish(t.Context(), p, address)
		_, pulled := Pull(t.Context(), pinned(address, "1.2.0", "", public), cacheIn(t))
		if err == nil {
			if pulled != nil {
				t.Errorf("published, but %v", pulled)
			}
			break
		}
		failed++
		if pulled == nil || !strings.Contains(pulled.Error(), "not published") {
			t.Errorf("after %d writes the version is to be seen: %v", after, pulled)
		}
		down.Store(false)
		if already, err := Publish(t.Context(), p, address); err != nil || already {
			t.Errorf("again, after %d writes: already %v, %v", after, already, err)
		}
		if _, err := Pull(t.Context(), pinned(address, "1.2.0", "", public), cacheIn(t)); err != nil {
			t.Errorf("again, after %d writes: %v", after, err)
		}
	}
	if failed < 5 {
		t.Errorf("it failed at %d writes alone", failed)
	}
	t.Logf("failed half-way at each of %d writes, finished by the second publish %d times", failed, failed)
}

// A write that is done and whose answer is lost is one's own when it is sent again.
func TestS3LosesAnswers(t *testing.T) {
	key, _ := newKey(t)
	p := packed(t, "1.2.0", key, sources)
	s3 := storetest.NewS3(t)
	s3.Lose.Store(1)
	if already, err := Publish(t.Context(), p, s3.Address("")); err != nil || already {
		t.Errorf("already %v, %v", already, err)
	}
	s3.Down.Store(true)
	if _, err := Publish(t.Context(), p, s3.Address("")); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("a bucket that is down: %v", err)
	}
}

// What lies under the name of a part and is not it is never taken for it, nor
// written over.
func TestAForeignObjectInTheWay(t *testing.T) {
	key, _ := newKey(t)
	p := packed(t, "1.2.0", key, sources)
	dir := t.TempDir()
	name := filepath.Join(dir, filepath.FromSlash(byDigest(p.Statement.Digest, archiveEnd)))
	put(t, name, "something else")
	if _, err := Publish(t.Context(), p, dir); !errors.Is(err, ErrPublished) {
		t.Error(err)
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != "something else" {
		t.Errorf("it holds %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "versions")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the version is to be seen: %v", err)
	}
}

func TestFilesOfAPackedBundle(t *testing.T) {
	key, public := newKey(t)
	p := packed(t, "1.2.0", key, sources)
	dir := t.TempDir()
	if _, err := p.Write(dir); err != nil {
		t.Fatal(err)
	}
	path, err := p.Write(dir) // again
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, "sha256sum", "--check", "--strict", filepath.Base(path)+".sha256")
	signers, err := ParseSigners(map[string]string{"platform": public})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Verify(t.Context(), path, signers)
	if err != nil || b.Signer != "platform" || b.Digest != p.Statement.Digest {
		t.Errorf("%+v, %v", b, err)
	}
	for _, end := range []string{"", sbomEnd, recordEnd} {
		good, err := os.ReadFile(path + end)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{0, len(good) / 2, len(good) - 1} {
			bad := bytes.Clone(good)
			bad[at] ^= 1
			put(t, path+end, string(bad))
			if _, err := Verify(t.Context(), path, signers); !errors.Is(err, ErrRefused) {
				t.Errorf("%q with byte %d changed: %v", end, at, err)
			}
		}
		put(t, path+end, string(good))
	}
	_, stranger := newKey(t)
	for _, keys := range []map[string]string{{}, {"x": stranger}} {
		signers, err := ParseSigners(keys)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(t.Context(), path, signers); !errors.Is(err, ErrSigner) {
			t.Errorf("with %d signers: %v", len(keys), err)
		}
	}
}
