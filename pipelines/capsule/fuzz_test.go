package capsule

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
)

// FuzzRead: whatever a file holds, it is refused, or it is a capsule that is
// written in exactly this way.
func FuzzRead(f *testing.F) {
	s := seal(f, sample(), map[string]string{"plan.tfplan": "a plan"})
	whole := apart(f, s.path)
	f.Add(whole.bytes())
	f.Add(whole.bytes()[:2000])
	f.Add(whole.manifest(func(m *Manifest) { m.Unit = "x" }).bind(s.key).bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := read(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			if !errors.Is(err, ErrRefused) {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		text, err := c.Manifest.bytes()
		if err != nil || digestOf(text) != c.Digest {
			t.Fatalf("the manifest is read as another: %v", err)
		}
		if err := c.Verify(Trust{Signers: map[string]ed25519.PublicKey{}}); !errors.Is(err, ErrSigner) {
			t.Fatalf("got %v", err)
		}
	})
}

// FuzzUnpack: no payload unfolds to more than the manifest says.
func FuzzUnpack(f *testing.F) {
	s := seal(f, sample(), map[string]string{"plan.tfplan": "a plan"})
	c, err := Read(s.path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain(f, s))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var written counted
		err := c.Manifest.unpack(bytes.NewReader(raw), func(string) (io.WriteCloser, error) { return &written, nil })
		if written > 6 {
			t.Fatalf("%d bytes were written, %v", written, err)
		}
	})
}

type counted int

func (c *counted) Write(p []byte) (int, error) { *c += counted(len(p)); return len(p), nil }
func (c *counted) Close() error                { return nil }

// plans are 100 MB that compress about as the JSON of a plan does.
func plans(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "plan.json")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	line := []byte(`{"address":"aws_instance.x[0]","mode":"managed","type":"aws_instance","values":{"id":"i-0123456789abcdef0","tags":{"n":"0000"}}}` + "\n")
	block := bytes.Repeat(line, 8000)
	for i := range block {
		if block[i] >= '0' && block[i] <= '9' {
			block[i] = "0123456789abcdef"[(i*7919>>3)&15]
		}
	}
	for range 100e6 / len(block) {
		if _, err := file.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	return path
}

func BenchmarkSeal(b *testing.B) {
	path, out := plans(b), filepath.Join(b.TempDir(), "x.capsule")
	key, _ := signer(b)
	_, to := identity(b)
	b.SetBytes(100e6)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Seal(out, sample(), []Source{{Name: "plan.json", Path: path}}, []string{to}, key); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyAndOpen(b *testing.B) {
	path := plans(b)
	s := setting{path: filepath.Join(b.TempDir(), "x.capsule")}
	s.key, s.public = signer(b)
	s.identity, s.recipient = identity(b)
	if _, err := Seal(s.path, sample(), []Source{{Name: "plan.json", Path: path}}, []string{s.recipient}, s.key); err != nil {
		b.Fatal(err)
	}
	out := b.TempDir()
	b.SetBytes(100e6)
	b.ReportAllocs()
	for b.Loop() {
		if err := verified(b, s).Open([]age.Identity{s.identity}, out); err != nil {
			b.Fatal(err)
		}
		if err := os.Remove(filepath.Join(out, "plan.json")); err != nil {
			b.Fatal(err)
		}
	}
}
