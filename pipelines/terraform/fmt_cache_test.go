package terraform

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// withHCL says which HCL library judges: a test program does not know it.
func withHCL(t *testing.T, version string) {
	before := hclVersion
	hclVersion = func() string { return version }
	t.Cleanup(func() { hclVersion = before })
}

// segments lists the files of a cache that count.
func segments(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestBlobHashIsThatOfGit(t *testing.T) {
	h := blobHash([]byte("hello\n")) // git hash-object of the same
	if got, want := hex.EncodeToString(h[:]), "ce013625030ba8dba906f756967f9e9ca394464a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFmtCacheRemembersOnlyWhatIsClean(t *testing.T) {
	noTerraform(t)
	withHCL(t, "v1")
	cache := t.TempDir()
	dir := tree(t, map[string]string{"unit/a.tf": unformatted, "unit/b.tf": clean, "unit/c.tf": doubtfulTF, "unit/d.tf": broken})
	f := Fmt{Scope: scope(dir, "unit"), Cache: cache}
	first := run(t, f).Results[0]
	found := segments(t, cache)
	if len(found) != 1 {
		t.Fatalf("segments: %v", found)
	}
	content, _ := os.ReadFile(found[0])
	if want := blobHash([]byte(clean)); string(content) != string(want[:]) {
		t.Errorf("the cache holds %x, want only %x", content, want)
	}
	second := run(t, f).Results[0]
	if fmt.Sprint(first.Verdict, first.Reason, first.Findings, first.Judged) != fmt.Sprint(second.Verdict, second.Reason, second.Findings, second.Judged) {
		t.Errorf("first  %+v\nsecond %+v", first, second)
	}
}

// A hash that stands in the cache is believed: this is what makes it fast, and
// what every other test of the cache relies on to see whether it was used.
func TestFmtCacheIsUsed(t *testing.T) {
	noTerraform(t)
	withHCL(t, "v1")
	dir := tree(t, map[string]string{"unit/a.tf": unformatted})
	plant := func(t *testing.T) string {
		cache := t.TempDir()
		c := openFmtCache(cache, ownJudge())
		c.add(blobHash([]byte(unformatted)))
		c.save()
		return cache
	}
	verdict := func(t *testing.T, f Fmt) pipelines.Verdict {
		f.Scope = scope(dir, "unit")
		return run(t, f).Results[0].Verdict
	}
	cache := plant(t)
	if got := verdict(t, Fmt{Cache: cache}); got != pipelines.Pass {
		t.Errorf("a planted hash is not used: %q", got)
	}
	if got := verdict(t, Fmt{Cache: cache, NoCache: true}); got != pipelines.Fail {
		t.Errorf("NoCache: %q", got)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"a bit":     func(b []byte) []byte { b = append(b, make([]byte, sha1.Size)...); b[len(b)-1] ^= 1; return b },
		"cut short": func(b []byte) []byte { return b[:7] },
		"emptied":   func([]byte) []byte { return nil },
	} {
		cache := plant(t)
		file := segments(t, cache)[0]
		content, _ := os.ReadFile(file)
		if err := os.WriteFile(file, damage(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := verdict(t, Fmt{Cache: cache}); got != pipelines.Fail {
			t.Errorf("damaged (%s): %q, want a miss", name, got)
		}
	}
	withHCL(t, "v2")
	if got := verdict(t, Fmt{Cache: cache}); got != pipelines.Fail {
		t.Errorf("another HCL library: %q, want a miss", got)
	}
	withHCL(t, "")
	if got := verdict(t, Fmt{Cache: cache}); got != pipelines.Fail {
		t.Errorf("an unknown HCL library: %q, want no cache", got)
	}
}

func TestFmtCacheWithoutAPlace(t *testing.T) {
	noTerraform(t)
	withHCL(t, "v1")
	dir := tree(t, map[string]string{"unit/a.tf": clean, "file": ""})
	if got := run(t, Fmt{Scope: scope(dir, "unit"), Cache: filepath.Join(dir, "file", "x")}).Results[0]; got.Verdict != pipelines.Pass {
		t.Errorf("got %+v", got)
	}
}

// TestFmtCacheSideBySide: runs that read, add and merge at the same time never
// change a verdict, and the folder stays small.
func TestFmtCacheSideBySide(t *testing.T) {
	noTerraform(t)
	withHCL(t, "v1")
	cache := t.TempDir()
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			dir := tree(t, map[string]string{"unit/a.tf": fmt.Sprintf("a%d = 1\n", i), "unit/b.tf": unformatted, "unit/c.tf": clean})
			if got := run(t, Fmt{Scope: scope(dir, "unit"), Cache: cache}).Results[0]; len(got.Findings) != 1 || got.Verdict != pipelines.Fail {
				t.Errorf("got %+v", got)
			}
		})
		if i%6 == 5 {
			wg.Wait()
		}
	}
	wg.Wait()
	if found := segments(t, cache); len(found) > 3*maxSegments {
		t.Errorf("%d segments", len(found))
	}
}

func TestFmtCacheForgetsWhenItIsFull(t *testing.T) {
	withHCL(t, "v1")
	cache := t.TempDir()
	for i := range maxSegments + 1 {
		c := openFmtCache(cache, ownJudge())
		for j := range maxHashes/maxSegments + 1 {
			c.add(blobHash(fmt.Appendf(nil, "%d %d", i, j)))
		}
		c.save()
	}
	found := segments(t, cache)
	c := openFmtCache(cache, ownJudge())
	if len(found) != 1 || !c.has(blobHash([]byte("8 0"))) || c.has(blobHash([]byte("0 0"))) {
		t.Errorf("%d segments, want the newest one only", len(found))
	}
}
