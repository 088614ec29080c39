package capsule

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
)

// forged is a capsule in pieces, to be put together wrongly.
type forged struct {
	t       testing.TB
	entries []entry
}

type entry struct {
	name    string
	content []byte
	// head replaces the header.
	head []byte
}

func apart(t testing.TB, path string) *forged {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := &forged{t: t}
	reader := tar.NewReader(bytes.NewReader(raw))
	for {
		head, err := reader.Next()
		if err == io.EOF {
			return f
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		f.entries = append(f.entries, entry{name: head.Name, content: content})
	}
}

func (f *forged) at(name string) *entry {
	for i := range f.entries {
		if f.entries[i].name == name {
			return &f.entries[i]
		}
	}
	f.t.Fatalf("there is no %s", name)
	return nil
}

// bytes puts the pieces together.
func (f *forged) bytes() []byte {
	var b bytes.Buffer
	for _, e := range f.entries {
		head, err := header(e.name, int64(len(e.content)))
		if err != nil {
			f.t.Fatal(err)
		}
		if e.head != nil {
			head = e.head
		}
		b.Write(head)
		b.Write(e.content)
		b.Write(zeros[:padding(int64(len(e.content)))])
	}
	b.Write(zeros[:])
	return b.Bytes()
}

// bind makes envelope and signature anew for what lies beside them now.
func (f *forged) bind(key crypto.Signer) *forged {
	return f.enclose(key, func(e *Envelope) {})
}

func (f *forged) enclose(key crypto.Signer, edit func(*Envelope)) *forged {
	var e Envelope
	if err := json.Unmarshal(f.at(envelopeName).content, &e); err != nil {
		f.t.Fatal(err)
	}
	payload := f.at(payloadName).content
	e.Manifest = digestOf(f.at(manifestName).content)
	e.Payload = Payload{SHA256: digestOf(payload)[len("sha256:"):], Size: int64(len(payload))}
	edit(&e)
	text, err := encode(e)
	if err != nil {
		f.t.Fatal(err)
	}
	f.at(envelopeName).content = text
	return f.sign(key, envelopeDomain, text)
}

func (f *forged) sign(key crypto.Signer, domain string, message []byte) *forged {
	signature, err := sign(key, domain, message)
	if err != nil {
		f.t.Fatal(err)
	}
	text, err := encode(signature)
	if err != nil {
		f.t.Fatal(err)
	}
	f.at(signatureName).content = text
	return f
}

// manifest edits the manifest as JSON.
func (f *forged) manifest(edit func(m *Manifest)) *forged {
	var m Manifest
	if err := json.Unmarshal(f.at(manifestName).content, &m); err != nil {
		f.t.Fatal(err)
	}
	edit(&m)
	text, err := encode(m)
	if err != nil {
		f.t.Fatal(err)
	}
	f.at(manifestName).content = text
	return f
}

// replace edits one entry as text, once.
func (f *forged) replace(name, old, with string) *forged {
	e := f.at(name)
	if !bytes.Contains(e.content, []byte(old)) {
		f.t.Fatalf("%s does not contain %q", name, old)
	}
	e.content = bytes.Replace(e.content, []byte(old), []byte(with), 1)
	return f
}

// payload seals anything at all.
func (f *forged) payload(to []string, write func(w io.Writer)) *forged {
	_, recipients, err := parseRecipients(to)
	if err != nil {
		f.t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, recipients...)
	if err != nil {
		f.t.Fatal(err)
	}
	write(w)
	if err := w.Close(); err != nil {
		f.t.Fatal(err)
	}
	f.at(payloadName).content = b.Bytes()
	return f
}

// plain is what the payload of a setting holds, decrypted: a compressed tar.
func plain(t testing.TB, s setting) []byte {
	t.Helper()
	r, err := age.Decrypt(bytes.NewReader(apart(t, s.path).at(payloadName).content), s.identity)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// inner is the tar in the payload, in pieces.
func inner(t testing.TB, s setting) *forged {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(plain(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "inner.tar")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return apart(t, path)
}

func compressed(t testing.TB, w io.Writer, content []byte) {
	t.Helper()
	z := gzip.NewWriter(w)
	if _, err := z.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}
