package capsule

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// refused asserts a refusal of a kind, with its words.
func refused(t *testing.T, what string, err, kind error, says string) {
	t.Helper()
	if !errors.Is(err, kind) || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: got %v, want %q of the kind %q", what, err, says, kind)
	}
}

func TestOpeningNeedsAVerifiedCapsuleAndAKey(t *testing.T) {
	s := seal(t, sample(), contents)
	dir := filepath.Join(t.TempDir(), "out")
	unverified, err := Read(s.path)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "unverified", unverified.Open([]age.Identity{s.identity}, dir), ErrUnverified, "it was not verified")
	trust := s.trust()
	trust.Now = time.Now().Add(48 * time.Hour)
	c := verified(t, s)
	refused(t, "verified once, then expired", c.Verify(trust), ErrExpired, "it expired at")
	refused(t, "no longer verified", c.Open([]age.Identity{s.identity}, dir), ErrUnverified, "it was not verified")
	if c.Signer != "" {
		t.Errorf("%q still vouches for it", c.Signer)
	}
	stranger, _ := identity(t)
	refused(t, "another identity", verified(t, s).Open([]age.Identity{stranger}, dir), ErrIdentity, "none of the 1 identities opens it")
	refused(t, "no identity", verified(t, s).Open(nil, dir), ErrIdentity, "there is no identity")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a refusal leaves a directory behind")
	}
}

// The file is read twice: what is opened has to be what was verified.
func TestAFileThatChangesBetweenVerifyingAndOpening(t *testing.T) {
	s := seal(t, sample(), contents)
	for name, change := range map[string]func(f *forged){
		"a bit":      func(f *forged) { c := f.at(payloadName).content; c[len(c)/2] ^= 1 },
		"the header": func(f *forged) { f.at(payloadName).content[0] ^= 1 },
		"the end":    func(f *forged) { c := f.at(payloadName).content; c[len(c)-1] ^= 1 },
		"shortened":  func(f *forged) { f.entries = f.entries[:3] },
	} {
		raw, err := os.ReadFile(s.path)
		if err != nil {
			t.Fatal(err)
		}
		c, dir := verified(t, s), filepath.Join(t.TempDir(), "out")
		f := apart(t, s.path)
		change(f)
		if err := os.WriteFile(s.path, f.bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, name, c.Open([]age.Identity{s.identity}, dir), ErrPayload, "the envelope was signed for")
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: something stays", name)
		}
		if err := os.WriteFile(s.path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpeningTouchesNothingThatWasThere(t *testing.T) {
	s := seal(t, sample(), contents)
	outside := filepath.Join(t.TempDir(), "outside")
	for name, put := range map[string]func(path string) error{
		"a file": func(path string) error { return os.WriteFile(path, []byte("mine"), 0o644) },
		"a link": func(path string) error { return os.Symlink(outside, path) },
	} {
		dir := t.TempDir()
		if err := put(filepath.Join(dir, "plan.log")); err != nil {
			t.Fatal(err)
		}
		err := verified(t, s).Open([]age.Identity{s.identity}, dir)
		if !errors.Is(err, fs.ErrExist) || errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", name, err)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 1 || left[0].Name() != "plan.log" {
			t.Errorf("%s: left are %v, %v", name, left, err)
		}
		if _, err := os.Stat(outside); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: it was written through", name)
		}
	}
	into := t.TempDir() // a directory that is there is used, and stays
	if err := verified(t, s).Open([]age.Identity{s.identity}, into); err != nil {
		t.Error(err)
	}
}

func TestReadingWhatIsNoFile(t *testing.T) {
	for name, path := range map[string]string{"a directory": t.TempDir(), "nothing": filepath.Join(t.TempDir(), "x"), "a device": "/dev/null"} {
		if _, err := Read(path); err == nil || errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v, want an error that refuses no capsule", name, err)
		}
	}
}

func TestRotatingKeepsTheDigest(t *testing.T) {
	s := seal(t, sample(), contents)
	next, nextKey := identity(t)
	key, public := signer(t)
	r := Rotation{Trust: s.trust(), Identities: []age.Identity{s.identity}, Recipients: []string{nextKey}, Key: key}
	out := filepath.Join(t.TempDir(), "rotated.capsule")
	digest, err := Rotate(s.path, out, r)
	if err != nil {
		t.Fatal(err)
	}
	rotated := setting{path: out, public: public}
	c := verified(t, rotated)
	if digest != s.digest || c.Digest != s.digest || !reflect.DeepEqual(c.Envelope.Recipients, []string{nextKey}) {
		t.Errorf("got %s and %v, want %s", digest, c.Envelope.Recipients, s.digest)
	}
	if got := opened(t, c, next); !reflect.DeepEqual(got, contents) {
		t.Errorf("got %v", got)
	}
	refused(t, "the recipient that was left out", c.Open([]age.Identity{s.identity}, filepath.Join(t.TempDir(), "out")), ErrIdentity, "none of the 1")
	refused(t, "rotated by someone who may not", c.Verify(s.trust()), ErrSigner, "who is not one of the 1 known signers")
	if _, err := Rotate(out, out, Rotation{Trust: rotated.trust(), Identities: []age.Identity{next}, Recipients: []string{s.recipient, nextKey}, Key: s.key}); err != nil {
		t.Errorf("in place: %v", err)
	}
	if got := opened(t, verified(t, setting{path: out, public: s.public}), s.identity); !reflect.DeepEqual(got, contents) {
		t.Errorf("in place: got %v", got)
	}
}

// Rotating must not make a stranger's capsule one of ours.
func TestRotatingRefuses(t *testing.T) {
	s := seal(t, sample(), contents)
	stranger, strange := signer(t)
	other, _ := identity(t)
	good := Rotation{Trust: s.trust(), Identities: []age.Identity{s.identity}, Recipients: []string{s.recipient}, Key: s.key}
	evil := filepath.Join(t.TempDir(), "evil.capsule")
	if err := os.WriteFile(evil, apart(t, s.path).bind(stranger).bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.capsule")
	f := apart(t, s.path).manifest(func(m *Manifest) { delete(m.Members, "odd") }).bind(s.key)
	if err := os.WriteFile(wrong, f.bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		in   string
		edit func(r *Rotation)
		kind error
		says string
	}{
		"a stranger's capsule":    {evil, func(*Rotation) {}, ErrSigner, FormatPublic(strange)},
		"nobody trusted":          {s.path, func(r *Rotation) { r.Trust = Trust{} }, ErrSigner, "nobody is trusted"},
		"other members":           {wrong, func(*Rotation) {}, ErrMember, `the member "plan.json"`},
		"no identity":             {s.path, func(r *Rotation) { r.Identities = nil }, ErrIdentity, "there is no identity"},
		"another identity":        {s.path, func(r *Rotation) { r.Identities = []age.Identity{other} }, ErrIdentity, "none of the 1"},
		"no recipient":            {s.path, func(r *Rotation) { r.Recipients = nil }, ErrRecipient, "there is no recipient"},
		"no key":                  {s.path, func(r *Rotation) { r.Key = nil }, ErrKey, "not an ed25519 key"},
		"expired in the meantime": {s.path, func(r *Rotation) { r.Trust.Now = time.Now().Add(9 * time.Hour) }, ErrExpired, "it expired"},
	} {
		r, dir := good, t.TempDir()
		c.edit(&r)
		_, err := Rotate(c.in, filepath.Join(dir, "out.capsule"), r)
		refused(t, name, err, c.kind, c.says)
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
}

// What is sealed and opened passes through: 64 MB need a few of memory.
func TestLargeMembersAreStreamed(t *testing.T) {
	const size, limit = 64 << 20, 16 << 20
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	s := setting{path: filepath.Join(t.TempDir(), "x.capsule")}
	s.key, s.public = signer(t)
	s.identity, s.recipient = identity(t)
	dir := filepath.Join(t.TempDir(), "out")
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"sealing", func() error {
			_, err := Seal(s.path, sample(), []Source{{Name: "plan.json", Path: path}}, []string{s.recipient}, s.key)
			return err
		}},
		{"rotating", func() error {
			_, err := Rotate(s.path, s.path, Rotation{Trust: s.trust(), Identities: []age.Identity{s.identity}, Recipients: []string{s.recipient}, Key: s.key})
			return err
		}},
		{"opening", func() error { return verified(t, s).Open([]age.Identity{s.identity}, dir) }},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > limit {
			t.Errorf("%s %d bytes allocates %d", step.name, size, used)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "plan.json")); err != nil || info.Size() != size {
		t.Errorf("got %v, %v", info, err)
	}
}
