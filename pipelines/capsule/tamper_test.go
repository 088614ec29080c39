package capsule

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/penstock-dev/penstock/pipelines"
)

// attempt does all that is done before a plan is applied, and says where it ends.
func attempt(path string, trust Trust, expect Expect, identity age.Identity, dir string) error {
	c, err := Read(path)
	if err != nil {
		return err
	}
	if err := c.Verify(trust); err != nil {
		return err
	}
	if err := c.Matches(expect); err != nil {
		return err
	}
	return c.Open([]age.Identity{identity}, dir)
}

// tampered is one capsule that must not be taken, and why.
type tampered struct {
	name string
	raw  []byte
	kind error
	says string
	// trust and expect replace what is trusted and expected.
	trust  *Trust
	expect func(*Expect)
}

func TestTamperedCapsulesAreRefused(t *testing.T) {
	s := seal(t, sample(), contents)
	if err := attempt(s.path, s.trust(), expected(), s.identity, filepath.Join(t.TempDir(), "out")); err != nil {
		t.Fatalf("the capsule itself is refused: %v", err)
	}
	var cases []tampered
	cases = append(cases, truncated(t, s)...)
	cases = append(cases, layouts(t, s)...)
	cases = append(cases, texts(t, s)...)
	cases = append(cases, values(t, s)...)
	cases = append(cases, swaps(t, s)...)
	cases = append(cases, signatures(t, s)...)
	cases = append(cases, payloads(t, s)...)
	cases = append(cases, origins(t, s)...)
	cases = append(cases, matches(t, s)...)
	accepted := 0
	for _, c := range cases {
		path, dir := filepath.Join(t.TempDir(), "x.capsule"), filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(path, c.raw, 0o600); err != nil {
			t.Fatal(err)
		}
		trust, expect := s.trust(), expected()
		if c.trust != nil {
			trust = *c.trust
		}
		if c.expect != nil {
			c.expect(&expect)
		}
		err := attempt(path, trust, expect, s.identity, dir)
		var hinted *pipelines.Error
		switch {
		case err == nil:
			accepted++
			t.Errorf("%s: it is accepted", c.name)
		case !errors.Is(err, c.kind) || !errors.Is(err, ErrRefused):
			t.Errorf("%s: got %v, want a refusal of the kind %q", c.name, err, c.kind)
		case !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: got %v, want %q", c.name, err, c.says)
		case !errors.As(err, &hinted) || hinted.Hint == "":
			t.Errorf("%s: %v has no hint", c.name, err)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: something was left in the directory", c.name)
		}
	}
	t.Logf("%d tampered capsules, %d accepted", len(cases), accepted)
	if len(cases) < 100 {
		t.Errorf("only %d capsules were tried", len(cases))
	}
}

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

// texts are JSON that a lenient reader would take; all of it is signed by a known key.
func texts(t *testing.T, s setting) []tampered {
	var all []tampered
	add := func(name, says, entry, old, with string) {
		f := apart(t, s.path).replace(entry, old, with)
		switch entry {
		case manifestName:
			f.bind(s.key)
		case envelopeName:
			f.sign(s.key, envelopeDomain, f.at(envelopeName).content)
		}
		all = append(all, tampered{name: name, raw: f.bytes(), kind: ErrJSON, says: fmt.Sprintf("reading %q: %s", entry, says)})
	}
	const form = "it is not in the form that penstock writes"
	add("a unit twice", `the member "unit" is there twice`, manifestName, `  "unit":`, `  "unit": "live/dvlp/vpc",`+"\n"+`  "unit":`)
	add("a serial twice", `the member "serial" is there twice`, manifestName, `"serial": 42`, `"serial": 42, "serial": 42`)
	add("a member twice", `the member "odd" is there twice`, manifestName, `    "odd":`, `    "odd": {"hmac_sha256": "", "size": 1}, "odd":`)
	add("a unit in capitals too", form, manifestName, `  "unit":`, `  "Unit": "live/dvlp/vpc",`+"\n"+`  "unit":`)
	add("only in capitals", form, manifestName, `"destroy":`, `"DESTROY":`)
	add("an unknown member", `json: unknown field "extra"`, manifestName, `  "unit":`, `  "extra": 1,`+"\n"+`  "unit":`)
	add("an unknown member within", `json: unknown field "extra"`, manifestName, `"serial": 42`, `"serial": 42, "extra": {}`)
	add("null for a list", form, manifestName, `[
    "live/prod/dns"
  ]`, "null")
	add("a member left out", form, manifestName, `  "destroy": false,`+"\n", "")
	add("other blanks", form, manifestName, `"unit": `, `"unit":  `)
	add("an escape that is none", form, manifestName, `"unit": "l`, `"unit": "\u006c`)
	add("a lone surrogate", form, manifestName, `"unit": "l`, `"unit": "\ud800l`)
	add("bytes that are no UTF-8", form, manifestName, `"unit": "l`, "\"unit\": \"\xffl")
	add("something behind it", "", manifestName, "\n}\n", "\n}\n{}\n")
	add("a mark in front of it", "", manifestName, "{", "\ufeff{")
	add("a fraction for an integer", "json: cannot unmarshal", manifestName, `"serial": 42`, `"serial": 42.5`)
	add("an exponent for an integer", "json: cannot unmarshal", manifestName, `"serial": 42`, `"serial": 42e0`)
	add("a negative serial", "json: cannot unmarshal", manifestName, `"serial": 42`, `"serial": -1`)
	add("a serial beyond 64 bits", "json: cannot unmarshal", manifestName, `"serial": 42`, `"serial": 18446744073709551658`)
	add("nested too deep", "it is nested more than 16 deep", manifestName, `"unit": `, `"unit": `+strings.Repeat("[", 5000))
	add("cut in the middle", "", manifestName, `"unit": `, ``)
	add("an envelope with two payloads", `the member "payload" is there twice`, envelopeName, `  "payload":`, `  "payload": {}, "payload":`)
	add("an envelope with more", `json: unknown field "extra"`, envelopeName, `  "payload":`, `  "extra": 1, "payload":`)
	add("an envelope without recipients", form, envelopeName, `"recipients"`, `"Recipients"`)
	add("a signature with more", `json: unknown field "extra"`, signatureName, `  "signer":`, `  "extra": 1, "signer":`)
	add("a signature with two signers", `the member "signer" is there twice`, signatureName, `  "signer":`, `  "signer": "", "signer":`)
	add("a signature with blanks", form, signatureName, "\n}\n", "\n}\n ")
	return all
}

// values are manifests that no plan has; a known key signed them.
func values(t *testing.T, s setting) []tampered {
	var all []tampered
	for name, c := range map[string]struct {
		says string
		edit func(m *Manifest)
	}{
		"a later schema":         {`"penstock.capsule/v2", this penstock reads "penstock.capsule/v1"`, func(m *Manifest) { m.Schema = "penstock.capsule/v2" }},
		"a unit outside":         {`unit cannot be "../live"`, func(m *Manifest) { m.Unit = "../live" }},
		"an absolute unit":       {`unit cannot be "/live"`, func(m *Manifest) { m.Unit = "/live" }},
		"a unit in two ways":     {`unit cannot be "live//vpc"`, func(m *Manifest) { m.Unit = "live//vpc" }},
		"no unit":                {`unit cannot be ""`, func(m *Manifest) { m.Unit = "" }},
		"no environment":         {`environment cannot be ""`, func(m *Manifest) { m.Environment = "" }},
		"no closure":             {`closure cannot be ""`, func(m *Manifest) { m.Closure = "" }},
		"a short closure":        {`closure cannot be "sha256:ab"`, func(m *Manifest) { m.Closure = "sha256:ab" }},
		"an abbreviated commit":  {`commit cannot be "abcdef0"`, func(m *Manifest) { m.Commit = "abcdef0" }},
		"a serial of no state":   {`state serial without a lineage cannot be "42"`, func(m *Manifest) { m.State.Lineage = "" }},
		"another program":        {`terraform cannot be "sh"`, func(m *Manifest) { m.Terraform.Name = "sh" }},
		"an unknown verdict":     {`verdict cannot be "fine"`, func(m *Manifest) { m.Policies.Verdict = "fine" }},
		"a count below zero":     {`count of verdicts cannot be "fail: -1"`, func(m *Manifest) { m.Policies.Counts = map[pipelines.Verdict]int{pipelines.Fail: -1} }},
		"no digest of changes":   {`changes cannot be ""`, func(m *Manifest) { m.Changes = "" }},
		"no creator":             {`creator cannot be ""`, func(m *Manifest) { m.Creator.Actor = "" }},
		"no repository":          {`repository cannot be ""`, func(m *Manifest) { m.Creator.Repository, m.Creator.HeadRepository = "", "" }},
		"expired when made":      {`expiry cannot be`, func(m *Manifest) { m.Expires = m.Created }},
		"no time":                {`time of creation cannot be "0001-01-01T00:00:00Z"`, func(m *Manifest) { m.Created = time.Time{} }},
		"no member":              {`names no member`, func(m *Manifest) { m.Members = map[string]Member{} }},
		"a member with a path":   {`a member cannot be called "../plan"`, func(m *Manifest) { m.Members["../plan"] = m.Members["odd"] }},
		"a member in a folder":   {`a member cannot be called "a/b"`, func(m *Manifest) { m.Members["a/b"] = m.Members["odd"] }},
		"a member called ..":     {`a member cannot be called ".."`, func(m *Manifest) { m.Members[".."] = m.Members["odd"] }},
		"a member called salt":   {`a member cannot be called "salt"`, func(m *Manifest) { m.Members["salt"] = m.Members["odd"] }},
		"a member of other form": {`"a\x00b"`, func(m *Manifest) { m.Members["a\x00b"] = m.Members["odd"] }},
		"a member below zero":    {`has -1 bytes`, func(m *Manifest) { m.Members["odd"] = Member{m.Members["odd"].HMAC, -1} }},
		"a member without end":   {`at most 4294967296 together`, func(m *Manifest) { m.Members["odd"] = Member{m.Members["odd"].HMAC, 1<<63 - 1} }},
		"a member of no HMAC":    {`cannot have the HMAC ""`, func(m *Manifest) { m.Members["odd"] = Member{"", 512} }},
	} {
		f := apart(t, s.path).manifest(c.edit).bind(s.key)
		all = append(all, tampered{name: name, raw: f.bytes(), kind: ErrManifest, says: c.says})
	}
	return all
}

// swaps put parts of two capsules of the same signer and recipient together.
func swaps(t *testing.T, s setting) []tampered {
	other := s
	other.path = filepath.Join(t.TempDir(), "other.capsule")
	m := sample()
	m.Unit = "live/prod/dns"
	size := len(apart(t, s.path).at(payloadName).content)
	for tries := 0; tries == 0 || len(apart(t, other.path).at(payloadName).content) != size; tries++ {
		// The salt compresses to a few bytes more or less: what is swapped has the same size.
		if _, err := Seal(other.path, m, sources(contents), []string{s.recipient}, s.key); err != nil || tries == 1000 {
			t.Fatal(tries, err)
		}
	}
	var all []tampered
	swap := func(kind error, says string, names ...string) {
		f, from := apart(t, s.path), apart(t, other.path)
		for _, name := range names {
			f.at(name).content = from.at(name).content
		}
		all = append(all, tampered{name: "swapped " + strings.Join(names, ", "), raw: f.bytes(), kind: kind, says: says})
	}
	swap(ErrBinding, "the envelope is for the manifest "+s.digest+", beside it lies sha256:", manifestName)
	swap(ErrBinding, "beside it lies "+s.digest, envelopeName)
	swap(ErrBinding, "beside it lies "+s.digest, envelopeName, signatureName)
	swap(ErrBinding, "beside it lies "+s.digest, envelopeName, signatureName, payloadName)
	swap(ErrBinding, "the envelope is for the manifest "+s.digest, manifestName, payloadName)
	swap(ErrSignature, "does not hold for what it stands beside", signatureName)
	swap(ErrSignature, "does not hold for what it stands beside", manifestName, envelopeName)
	swap(ErrPayload, "the envelope was signed for", payloadName)
	swap(ErrPayload, "the envelope was signed for", manifestName, envelopeName, signatureName)
	swap(ErrUnit, `the unit is "live/prod/vpc", the capsule was made for "live/prod/dns"`, manifestName, envelopeName, signatureName, payloadName)
	return all
}

func signatures(t *testing.T, s setting) []tampered {
	stranger, strange := signer(t)
	var all []tampered
	add := func(name string, kind error, says string, f *forged) {
		all = append(all, tampered{name: name, raw: f.bytes(), kind: kind, says: says})
	}
	take := func() *forged { return apart(t, s.path) }
	const broken = "does not hold for what it stands beside"
	add("sealed anew by a stranger", ErrSigner, FormatPublic(strange)+", who is not one of the 1 known signers", take().bind(stranger))
	add("another unit, by a stranger", ErrSigner, "not one of the 1 known signers", take().manifest(func(m *Manifest) { m.Unit = "live/prod/dns" }).bind(stranger))
	envelope := take().at(envelopeName).content
	add("signed for another purpose", ErrSignature, broken, take().sign(s.key, approvalDomain, envelope))
	add("signed without a purpose", ErrSignature, broken, take().sign(s.key, "", envelope))
	add("the manifest signed", ErrSignature, broken, take().sign(s.key, envelopeDomain, take().at(manifestName).content))
	add("the name of a known signer", ErrSignature, broken, take().bind(stranger).replace(signatureName, FormatPublic(strange), FormatPublic(s.public)))
	add("no signature", ErrSignature, "the signature is not the base64 of 64 bytes", func() *forged {
		f := take()
		text, err := encode(Signature{Signer: FormatPublic(s.public)})
		if err != nil {
			t.Fatal(err)
		}
		f.at(signatureName).content = text
		return f
	}())
	add("a signature with a line end", ErrSignature, "the signature is not the base64 of 64 bytes", take().replace(signatureName, `"signature": "`, `"signature": "\n`))
	add("a signer of another kind", ErrSignature, "is not an ed25519 public key", take().replace(signatureName, `"ed25519:`, `"rsa:`))
	_, more := identity(t)
	add("a recipient more", ErrSignature, broken, take().replace(envelopeName, `"recipients": [`, "\"recipients\": [\n    \""+smaller(t, s.recipient)+`",`))
	add("another recipient", ErrSignature, broken, take().replace(envelopeName, s.recipient, more))
	add("a recipient twice", ErrRecipient, "not sorted, or one is there twice", take().replace(envelopeName, `"`+s.recipient+`"`, `"`+s.recipient+"\",\n    \""+s.recipient+`"`))
	add("no recipient", ErrRecipient, "there is no recipient", take().enclose(s.key, func(e *Envelope) { e.Recipients = []string{} }))
	add("a recipient that is none", ErrRecipient, "neither an age nor an SSH public key", take().enclose(s.key, func(e *Envelope) { e.Recipients = []string{"x"} }))
	add("another time", ErrSignature, broken, take().replace(envelopeName, `"sealed": "20`, `"sealed": "19`))
	add("a time with a fraction", ErrManifest, "not in UTC and whole seconds", take().enclose(s.key, func(e *Envelope) { e.Sealed = e.Sealed.Add(time.Millisecond) }))
	none := Trust{}
	all = append(all, tampered{name: "nobody is trusted", raw: take().bytes(), kind: ErrSigner, says: "nobody is trusted", trust: &none})
	odd := Trust{Signers: map[string]ed25519.PublicKey{"empty": nil, "short": s.public[:31]}}
	return append(all, tampered{name: "only broken keys are trusted", raw: take().bytes(), kind: ErrSigner, says: "not one of the 2 known signers", trust: &odd})
}

// smaller is a recipient that sorts before another.
func smaller(t *testing.T, than string) string {
	for {
		if _, key := identity(t); key < than {
			return key
		}
	}
}

// payloads are what somebody else, or a known key that errs, may have sealed.
func payloads(t *testing.T, s setting) []tampered {
	to := []string{s.recipient}
	var all []tampered
	add := func(name string, kind error, says string, f *forged) {
		all = append(all, tampered{name: name, raw: f.bytes(), kind: kind, says: says})
	}
	take := func() *forged { return apart(t, s.path) }
	stranger, _ := signer(t)
	evil := func(w io.Writer) {
		if err := pack(w, sources(map[string]string{"plan.tfplan": "evil"}), map[string]Member{}); err != nil {
			t.Fatal(err)
		}
	}
	add("sealed by someone else", ErrPayload, "the envelope is for a payload of", take().payload(to, evil))
	same := take()
	same.at(payloadName).content[len(same.at(payloadName).content)-1] ^= 1
	add("one bit of the payload", ErrPayload, "the envelope was signed for", same)
	add("sealed and signed by someone else", ErrSigner, "not one of the 1 known signers", take().payload(to, evil).bind(stranger))
	add("nothing sealed", ErrPayload, "not encrypted with age", func() *forged { f := take(); f.at(payloadName).content = nil; return f.bind(s.key) }())
	add("not encrypted", ErrPayload, "not encrypted with age", func() *forged { f := take(); f.at(payloadName).content = plain(t, s); return f.bind(s.key) }())
	_, hidden := identity(t)
	add("sealed to one more than it says", ErrRecipient, "sealed to 2 keys (X25519, X25519), the envelope names 1 (X25519)",
		take().payload([]string{s.recipient, hidden}, func(w io.Writer) { w.Write(plain(t, s)) }).bind(s.key))
	const unpack = "the payload cannot be unpacked"
	sealed := func(name, says string, write func(w io.Writer)) {
		add(name, ErrMember, says, take().payload(to, write).bind(s.key))
	}
	sealed("other members", "does not go on with the member", evil)
	sealed("not compressed", unpack, func(w io.Writer) { w.Write(inner(t, s).bytes()) })
	sealed("empty", unpack, func(w io.Writer) {})
	whole := plain(t, s)
	sealed("cut", unpack, func(w io.Writer) { w.Write(whole[:len(whole)/2]) })
	sealed("cut at the checksum", unpack, func(w io.Writer) { w.Write(whole[:len(whole)-4]) })
	sealed("something behind it", "holds more than the manifest names", func(w io.Writer) { w.Write(append(slices.Clone(whole), 0)) })
	sealed("twice", "holds more than the manifest names", func(w io.Writer) { w.Write(append(slices.Clone(whole), whole...)) })
	sealed("a bomb behind it", "holds more than the manifest names", func(w io.Writer) {
		z := gzip.NewWriter(w)
		z.Write(inner(t, s).bytes())
		for range 256 {
			z.Write(make([]byte, 1<<20))
		}
		z.Close()
	})
	sealed("a bomb in front", "does not go on with the member", func(w io.Writer) { compressed(t, w, make([]byte, 64<<20)) })
	for name, c := range map[string]struct {
		says string
		edit func(f *forged)
	}{
		"a member renamed":       {`the member "plan.json"`, func(f *forged) { f.at("plan.json").name = "plan2.json" }},
		"a member with a path":   {`the member "plan.json"`, func(f *forged) { f.at("plan.json").name = "../plan.json" }},
		"a member added":         {"holds more than", func(f *forged) { f.entries = append(f.entries, entry{name: "zz", content: []byte("x")}) }},
		"a member removed":       {"holds more than the manifest names", nil},
		"a member first":         {`the member "salt"`, func(f *forged) { f.entries = slices.Insert(f.entries, 0, entry{name: "a"}) }},
		"members swapped":        {`the member ".terraform.lock.hcl"`, func(f *forged) { slices.Reverse(f.entries[1:]) }},
		"another content":        {`the member "plan.tfplan" is not the one`, func(f *forged) { f.at("plan.tfplan").content[0] ^= 1 }},
		"a longer content":       {`the member "plan.tfplan" of 9 bytes`, func(f *forged) { f.at("plan.tfplan").content = make([]byte, 10) }},
		"another salt":           {`the member ".terraform.lock.hcl" is not the one`, func(f *forged) { f.at("salt").content[0] ^= 1 }},
		"no salt":                {`the member "salt"`, func(f *forged) { f.entries = f.entries[1:] }},
		"a member that is twice": {`the member "plan.json"`, func(f *forged) { f.entries = slices.Insert(f.entries, 3, f.entries[2]) }},
	} {
		f := inner(t, s)
		if c.edit == nil {
			f.entries, c.says = f.entries[:len(f.entries)-1], `the member "plan.tfplan" of 9 bytes`
		} else {
			c.edit(f)
		}
		sealed(name+" in the payload", c.says, func(w io.Writer) { compressed(t, w, f.bytes()) })
	}
	renamed := take().manifest(func(m *Manifest) { m.Members["renamed"] = m.Members["odd"]; delete(m.Members, "odd") })
	add("a member renamed in the manifest", ErrMember, `the member "plan.json"`, renamed.bind(s.key))
	added := take().manifest(func(m *Manifest) { m.Members["zz"] = m.Members["odd"] })
	add("a member added to the manifest", ErrMember, `the member "zz"`, added.bind(s.key))
	removed := take().manifest(func(m *Manifest) { delete(m.Members, "odd") })
	add("a member removed from the manifest", ErrMember, `the member "plan.json"`, removed.bind(s.key))
	return all
}

func origins(t *testing.T, s setting) []tampered {
	var all []tampered
	now := time.Now()
	add := func(name string, kind error, says string, now time.Time, edit func(m *Manifest)) {
		trust := s.trust()
		trust.Now = now
		all = append(all, tampered{name: name, raw: apart(t, s.path).manifest(edit).bind(s.key).bytes(), kind: kind, says: says, trust: &trust})
	}
	nothing := func(*Manifest) {}
	add("expired", ErrExpired, "it expired at ", now.Add(3*time.Hour), nothing)
	exactly := seconds(now.Add(time.Hour))
	add("expired just now", ErrExpired, "it expired at "+exactly.Format(time.RFC3339)+", and it is "+exactly.Format(time.RFC3339), exactly,
		func(m *Manifest) { m.Expires = exactly })
	add("made in the future", ErrFuture, "it was made at ", now.Add(-2*time.Hour), nothing)
	add("sealed in the future", ErrFuture, "it was sealed at ", now.Add(-30*time.Minute), nothing)
	add("from a fork", ErrFork, `it was made for a change from "mallory/live", which is not "org/live"`, now, func(m *Manifest) { m.Creator.HeadRepository = "mallory/live" })
	add("from a fork that was deleted", ErrFork, `it was made for a change from "", which is not "org/live"`, now, func(m *Manifest) { m.Creator.HeadRepository = "" })
	return all
}

// matches are capsules that hold, but for something else.
func matches(t *testing.T, s setting) []tampered {
	raw := apart(t, s.path).bytes()
	var all []tampered
	add := func(name string, kind error, says string, edit func(*Expect)) {
		all = append(all, tampered{name: name, raw: raw, kind: kind, says: says, expect: edit})
	}
	add("another repository", ErrRepository, `the repository is "org/other", the capsule was made for "org/live"`, func(e *Expect) { e.Repository = "org/other" })
	add("another unit", ErrUnit, `the unit is "live/dvlp/vpc", the capsule was made for "live/prod/vpc"`, func(e *Expect) { e.Unit = "live/dvlp/vpc" })
	add("another environment", ErrEnvironment, `the environment is "dvlp", the capsule was made for "prod"`, func(e *Expect) { e.Environment = "dvlp" })
	add("another closure", ErrClosure, "the trunk's closure is "+digest("9")+", the capsule was made for "+digest("a"), func(e *Expect) { e.Closure = digest("9") })
	add("no closure", ErrClosure, "the trunk's closure is none, the capsule was made for "+digest("a"), func(e *Expect) { e.Closure = "" })
	add("another backend", ErrState, `the state's backend is "s3://other", the capsule was made for "s3://state/prod/vpc"`, func(e *Expect) { e.State.Backend = "s3://other" })
	add("another lineage", ErrState, `the state's lineage is "other", the capsule was made for "5e0ad6b2-8d1c"`, func(e *Expect) { e.State.Lineage = "other" })
	add("no state", ErrState, `the state's lineage is none, the capsule was made for "5e0ad6b2-8d1c"`, func(e *Expect) { e.State = State{Backend: e.State.Backend} })
	add("a later serial", ErrState, "the state's serial is 43, the capsule was made for 42", func(e *Expect) { e.State.Serial = 43 })
	add("an earlier serial", ErrState, "the state's serial is 41, the capsule was made for 42", func(e *Expect) { e.State.Serial = 41 })
	add("another version", ErrTerraform, `the program here is "terraform 1.12.0", the capsule was made for "terraform 1.11.4"`, func(e *Expect) { e.Terraform.Version = "1.12.0" })
	add("another program", ErrTerraform, `the program here is "tofu 1.11.4"`, func(e *Expect) { e.Terraform.Name = "tofu" })
	add("another lock", ErrLock, "the digest of .terraform.lock.hcl is "+digest("9")+", the capsule was made for "+digest("b"), func(e *Expect) { e.Lock = digest("9") })
	add("no lock", ErrLock, "the digest of .terraform.lock.hcl is none", func(e *Expect) { e.Lock = "" })
	add("another module", ErrModules, `the module "vpc" is `+digest("9")+", the capsule was made for "+digest("d"), func(e *Expect) { e.Modules = map[string]string{"vpc": digest("9")} })
	add("a module more", ErrModules, `the module "dns" is "x", the capsule was made for none`, func(e *Expect) { e.Modules = map[string]string{"vpc": digest("d"), "dns": "x"} })
	add("a module less", ErrModules, `the module "vpc" is none, the capsule was made for `+digest("d"), func(e *Expect) { e.Modules = nil })
	add("another image", ErrImages, `the image "terraform" is none`, func(e *Expect) { e.Images = nil })
	add("other policies", ErrPolicies, "the digest of the policies is "+digest("9"), func(e *Expect) { e.Policies = digest("9") })
	add("a destruction", ErrDestroy, "destroying the unit is true here, the capsule was made with false", func(e *Expect) { e.Destroy = true })
	add("nothing is expected", ErrRepository, "the repository is none", func(e *Expect) { *e = Expect{} })
	return all
}

// Whatever bit is flipped, some check sees it: no byte of the file is free.
func TestNoFlippedBitIsAccepted(t *testing.T) {
	s := seal(t, sample(), map[string]string{"plan.tfplan": "a plan"})
	raw := apart(t, s.path).bytes()
	random := rand.New(rand.NewPCG(7, 11))
	path, dir := filepath.Join(t.TempDir(), "x.capsule"), filepath.Join(t.TempDir(), "out")
	kinds := map[string]int{}
	const flips = 2500
	accepted := 0
	for range flips {
		at, bit := random.IntN(len(raw)), random.IntN(8)
		flipped := slices.Clone(raw)
		flipped[at] ^= 1 << bit
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		err := attempt(path, s.trust(), expected(), s.identity, dir)
		var r *refusal
		if !errors.As(err, &r) {
			accepted++
			t.Errorf("bit %d of byte %d: got %v, want a refusal", bit, at, err)
			continue
		}
		kinds[r.kind.Error()]++
	}
	text, err := json.Marshal(kinds)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d flipped bits of %d, %d accepted: %s", flips, 8*len(raw), accepted, text)
}
