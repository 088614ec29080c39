package capsule

import (
	"archive/tar"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func truncated(t *testing.T, s setting) []tampered {
	raw := apart(t, s.path).bytes()
	at := []int{0, 1, 511, 512, 513, len(raw) - 1, len(raw) - 511, len(raw) - 512, len(raw) - 1023, len(raw) - 1024, len(raw) - 1025}
	for i := 1; i < 20; i++ {
		at = append(at, len(raw)*i/20)
	}
	var all []tampered
	for _, n := range at {
		all = append(all, tampered{name: fmt.Sprintf("cut at byte %d of %d", n, len(raw)), raw: raw[:n], kind: ErrTruncated,
			says: fmt.Sprintf("the file ends at byte %d, ", n)})
	}
	return all
}

// layouts are archives that tar reads, or nearly does, and that no capsule is.
func layouts(t *testing.T, s setting) []tampered {
	take := func() *forged { return apart(t, s.path) }
	var all []tampered
	add := func(name, says string, raw []byte) {
		all = append(all, tampered{name: name, raw: raw, kind: ErrStructure, says: says})
	}
	raw := take().bytes()
	add("one byte more", "1 bytes more than a capsule has", append(slices.Clone(raw), 0))
	add("zeros behind it", "512 bytes more than a capsule has", append(slices.Clone(raw), zeros[:512]...))
	end := slices.Clone(raw)
	end[len(end)-700] = 1
	add("a trailer that is not empty", `something follows the entry "payload.age"`, end)
	order := func(name, says string, names ...string) {
		f, g := take(), &forged{t: t}
		for _, n := range names {
			g.entries = append(g.entries, *f.at(n))
		}
		add(name, says, g.bytes())
	}
	order("reordered", `at byte 0 there should be the entry "manifest.json", there is "envelope.json"`, envelopeName, manifestName, signatureName, payloadName)
	order("the payload first", `the entry "manifest.json", there is "payload.age"`, payloadName, manifestName, envelopeName, signatureName)
	order("manifest twice", `the entry "envelope.json", there is "manifest.json"`, manifestName, manifestName, envelopeName, signatureName, payloadName)
	order("payload twice", "bytes more than a capsule has", manifestName, envelopeName, signatureName, payloadName, payloadName)
	order("a second manifest at the end", "bytes more than a capsule has", manifestName, envelopeName, signatureName, payloadName, manifestName)
	order("no signature", `the entry "signature.json", there is "payload.age"`, manifestName, envelopeName, payloadName)
	order("no payload", `the entry "payload.age", there is ""`, manifestName, envelopeName, signatureName)
	for i, name := range []string{"extra", "../evil", "manifest.json "} {
		f := take()
		f.entries = slices.Insert(f.entries, i, entry{name: name, content: []byte("x")})
		add("an extra entry "+name, fmt.Sprintf("there is %q", name), f.bytes())
	}
	for _, name := range []string{"./manifest.json", "/manifest.json", "MANIFEST.JSON", "manifest.json.gz"} {
		f := take()
		f.entries[0].name = name
		add("renamed to "+name, fmt.Sprintf("there is %q", name), f.bytes())
	}
	return append(all, headers(t, take)...)
}

// headers are headers of the right name that say more than a size.
func headers(t *testing.T, take func() *forged) []tampered {
	const odd = `the header of the entry "manifest.json" is not one that penstock writes`
	var all []tampered
	for name, edit := range map[string]func(*tar.Header){
		"GNU format":    func(h *tar.Header) { h.Format = tar.FormatGNU },
		"another mode":  func(h *tar.Header) { h.Mode = 0o755 },
		"setuid":        func(h *tar.Header) { h.Mode = 0o4644 },
		"an owner":      func(h *tar.Header) { h.Uid = 1000 },
		"a named owner": func(h *tar.Header) { h.Uname = "root" },
		"a time":        func(h *tar.Header) { h.ModTime = time.Unix(1, 0) },
		"a link":        func(h *tar.Header) { h.Typeflag, h.Linkname = tar.TypeLink, "payload.age" },
		"a symlink":     func(h *tar.Header) { h.Typeflag, h.Linkname = tar.TypeSymlink, "/etc/passwd" },
		"a directory":   func(h *tar.Header) { h.Typeflag = tar.TypeDir },
		"a device":      func(h *tar.Header) { h.Typeflag = tar.TypeChar },
	} {
		f := take()
		h := &tar.Header{Typeflag: tar.TypeReg, Name: manifestName, Size: int64(len(f.entries[0].content)), Mode: 0o644,
			ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if edit(h); h.Typeflag != tar.TypeReg {
			h.Size = 0
		}
		var b bytes.Buffer
		if err := tar.NewWriter(&b).WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		f.entries[0].head = b.Bytes()
		all = append(all, tampered{name: "header with " + name, raw: f.bytes(), kind: ErrStructure, says: odd})
	}
	edits := []struct {
		name, says string
		edit       func(h []byte)
	}{
		{"a wrong checksum", odd, func(h []byte) { h[148] ^= 1 }},
		{"a name behind its end", odd, func(h []byte) { h[50] = 'x' }},
		{"a prefix of its name", odd, func(h []byte) { copy(h[345:], "../../tmp") }},
		{"something in its last bytes", odd, func(h []byte) { h[511] = 1 }},
		{"a size of base 256", `there should be the entry "manifest.json"`, func(h []byte) { copy(h[124:136], []byte{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0}) }},
		{"a negative size", `there should be the entry "manifest.json"`, func(h []byte) { copy(h[124:136], "-0000000001\x00") }},
		{"a size with blanks", `there should be the entry "manifest.json"`, func(h []byte) { copy(h[124:136], "     001000\x00") }},
		{"a size with a sign", odd, func(h []byte) { copy(h[124:136], "+0000001000\x00") }},
	}
	for _, e := range edits {
		f := take()
		head, err := header(manifestName, int64(len(f.entries[0].content)))
		if err != nil {
			t.Fatal(err)
		}
		e.edit(head)
		f.entries[0].head = head
		all = append(all, tampered{name: "header with " + e.name, raw: f.bytes(), kind: ErrStructure, says: e.says})
	}
	return append(all, extensions(t, take)...)
}

// extensions are the headers with which PAX and GNU tar say more, limits and fillings.
func extensions(t *testing.T, take func() *forged) []tampered {
	var all []tampered
	add := func(name, says string, kind error, raw []byte) {
		all = append(all, tampered{name: name, raw: raw, kind: kind, says: says})
	}
	var pax bytes.Buffer
	if err := tar.NewWriter(&pax).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: manifestName, Size: 1, Mode: 0o644,
		PAXRecords: map[string]string{"PENSTOCK.x": "y"}, Format: tar.FormatPAX}); err != nil {
		t.Fatal(err)
	}
	add("a PAX record", `there is "PaxHeaders.0/manifest.json"`, ErrStructure, append(pax.Bytes(), take().bytes()...))
	var gnu bytes.Buffer
	if err := tar.NewWriter(&gnu).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("n", 200), Size: 1, Mode: 0o644, Format: tar.FormatGNU}); err != nil {
		t.Fatal(err)
	}
	add("a long name of GNU", `there is "././@LongLink"`, ErrStructure, append(gnu.Bytes(), take().bytes()...))
	large, err := header(manifestName, maxManifest+1)
	if err != nil {
		t.Fatal(err)
	}
	add("a manifest without bounds", "at most 8388608 are read", ErrStructure, append(large, take().bytes()...))
	f := take()
	raw := f.bytes()
	raw[block+len(f.entries[0].content)] = 'x'
	add("something in the filling", `something is hidden behind the entry "manifest.json"`, ErrStructure, raw)
	var whole bytes.Buffer
	compressed(t, &whole, take().bytes())
	add("compressed as a whole", "", ErrRefused, whole.Bytes())
	add("not a tar at all", `there should be the entry "manifest.json"`, ErrStructure, bytes.Repeat([]byte("no "), 5000))
	return all
}
