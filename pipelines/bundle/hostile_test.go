package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/capsule"
)

// sandbox is a directory with what must not change around the target.
func sandbox(t *testing.T) (dir, target, outside string) {
	dir = t.TempDir()
	t.Cleanup(func() { _ = remove(dir) })
	target, outside = filepath.Join(dir, "a", "target"), filepath.Join(dir, "outside")
	for _, place := range []string{outside, filepath.Join(dir, "a", "outside")} {
		put(t, filepath.Join(place, "canary"), "alive")
	}
	return dir, target, outside
}

// world is everything in a directory: names, kinds, modes, contents, links.
func world(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		found[name] = info.Mode().String()
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(name)
			found[name] += string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

const hostileCount = 1000

// A thousand archives that try to get out, each signed by a signer who is trusted.
// Each is refused, and nothing outside of its target changes, nor is there a target.
func TestHostileArchivesDoNotEscape(t *testing.T) {
	key, public := newKey(t)
	dir, target, outside := sandbox(t)
	place := t.TempDir()
	o := Options{Cache: filepath.Join(dir, "cache")}
	put(t, filepath.Join(o.Cache, "lock"), "")
	if err := os.Mkdir(filepath.Join(o.Cache, "kept"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := world(t, dir)
	escaped, refused, reasons := 0, 0, map[error]int{}
	for seed := range uint64(hostileCount) {
		names, archive, s, record := generate(t, seed, outside, key)
		put(t, filepath.Join(place, byVersion(s.Version)), string(record))
		put(t, filepath.Join(place, filepath.FromSlash(byDigest(s.Digest, archiveEnd))), string(archive))
		ask := pinned(place, s.Version, s.Digest, public)
		ask.Digest = ""
		for _, pull := range []func(context.Context) (*Bundle, error){
			func(ctx context.Context) (*Bundle, error) { return PullTo(ctx, ask, o, target) },
			func(ctx context.Context) (*Bundle, error) { return Pull(ctx, ask, o) },
		} {
			_, err := pull(t.Context())
			if !errors.Is(err, ErrRefused) {
				t.Errorf("seed %d, %q: %v", seed, names, err)
				continue
			}
			refused++
			for _, kind := range []error{ErrArchive, ErrStatement} {
				if errors.Is(err, kind) {
					reasons[kind]++
				}
			}
		}
		if after := world(t, dir); !maps.Equal(before, after) {
			escaped++
			t.Fatalf("seed %d, %q: it escaped, or left something", seed, names)
		}
	}
	if reasons[ErrArchive] < hostileCount*2*9/10 {
		t.Errorf("refused for what they are: %d", reasons[ErrArchive])
	}
	t.Logf("%d hostile archives of %d tricks: %d of %d pulls refused, %d escaped", hostileCount, len(tricks), refused, 2*hostileCount, escaped)
}

// The same archives have teeth: what unpacks as it reads is led out by many.
func TestHostileArchivesEscapeFromANaiveReader(t *testing.T) {
	key, _ := newKey(t)
	escaped := 0
	const tried = 300
	for seed := range uint64(tried) {
		dir, target, outside := sandbox(t)
		_, archive, _, _ := generate(t, seed, outside, key)
		before := world(t, dir)
		naive(archive, target, dir)
		after := world(t, dir)
		maps.DeleteFunc(after, func(name, _ string) bool { return name == target || strings.HasPrefix(name, target+"/") })
		if !maps.Equal(before, after) {
			escaped++
		}
	}
	if escaped < tried/20 {
		t.Errorf("%d of %d escape: the generator is tame", escaped, tried)
	}
	t.Logf("%d of %d escape from a reader that unpacks as it reads", escaped, tried)
}

// naive is how not to do it; it stays within the sandbox all the same.
func naive(archive []byte, target, within string) {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return
	}
	for r := tar.NewReader(unzipped); ; {
		head, err := r.Next()
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) || head == nil {
			return
		}
		name := filepath.Join(target, head.Name)
		if filepath.IsAbs(head.Name) {
			name = filepath.Clean(head.Name)
		}
		if !strings.HasPrefix(name, within+"/") {
			continue
		}
		_ = os.MkdirAll(filepath.Dir(name), 0o755)
		switch head.Typeflag {
		case tar.TypeSymlink:
			_ = os.Symlink(head.Linkname, name)
		case tar.TypeLink:
			_ = os.Link(filepath.Join(target, head.Linkname), name)
		case tar.TypeReg:
			if real, err := filepath.EvalSymlinks(filepath.Dir(name)); err != nil || !strings.HasPrefix(real, within) {
				continue
			}
			if file, err := os.Create(name); err == nil {
				_, _ = io.Copy(file, io.LimitReader(r, 1<<20))
				_ = file.Close()
			}
		}
	}
}

// What the generator starts from is taken: it is the trick that is refused.
func TestWithoutATrickItIsABundle(t *testing.T) {
	key, public := newKey(t)
	for seed := range uint64(20) {
		h := newHostile(rand.New(rand.NewPCG(seed, 4)), "/nowhere")
		archive, s, record := h.build(t, key, true)
		place := t.TempDir()
		put(t, filepath.Join(place, byVersion(s.Version)), string(record))
		put(t, filepath.Join(place, filepath.FromSlash(byDigest(s.Digest, archiveEnd))), string(archive))
		if _, err := Pull(t.Context(), pinned(place, s.Version, "", public), cacheIn(t)); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// FuzzUnpack changes what is in the gzip: changed outside it would only ever fail by
// its checksum.
func FuzzUnpack(f *testing.F) {
	private, _, err := capsule.GenerateKey()
	if err != nil {
		f.Fatal(err)
	}
	key, err := capsule.ParseSigner(private)
	if err != nil {
		f.Fatal(err)
	}
	good, _, _ := newHostile(rand.New(rand.NewPCG(1, 4)), "/nowhere").build(f, key, true)
	seeds := [][]byte{good}
	for seed := range uint64(len(tricks)) {
		_, archive, _, _ := generate(f, seed, "/nowhere", key)
		seeds = append(seeds, archive)
	}
	for _, archive := range seeds {
		if r, err := gzip.NewReader(bytes.NewReader(archive)); err == nil {
			if raw, err := io.ReadAll(r); err == nil && len(raw) < 64<<10 {
				f.Add(raw)
			}
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir, target, _ := sandbox(t)
		before := world(t, dir)
		if err := os.Mkdir(target, 0o755); err != nil {
			t.Fatal(err)
		}
		err := unpack(t.Context(), zip(raw, gzip.Header{OS: 255}, gzip.BestCompression), []byte("{}"), nil, target)
		if err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("neither unpacked nor refused: %v", err)
		}
		if err == nil {
			text, err := os.ReadFile(filepath.Join(target, manifestName))
			var m Manifest
			if err == nil {
				err = json.Unmarshal(text, &m)
			}
			if err == nil {
				err = m.holds(t.Context(), os.DirFS(target))
			}
			if err != nil {
				t.Errorf("unpacked, but: %v", err)
			}
		}
		_ = remove(target)
		if !maps.Equal(before, world(t, dir)) {
			t.Error("it escaped")
		}
	})
}
