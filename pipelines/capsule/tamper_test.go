package capsule

import (
	"compress/gzip"
	"crypto/ed25519"
	"encoding/json"
	"errors"
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
	"github.com/penstock-dev/penstock/pipelines/internal/refusal"
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
	add("a checksum in capitals", ErrManifest, "payload cannot have the sha256", take().enclose(s.key, func(e *Envelope) { e.Payload.SHA256 = strings.ToUpper(e.Payload.SHA256) }))
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
	for name, at := range map[string]int{"the filling of the salt": block + saltSize, "the filling at the end": -trailer - 1, "the end": -1} {
		hidden := inner(t, s).bytes()
		hidden[(at+len(hidden))%len(hidden)] = 'x'
		sealed("something in "+name, "holds more than the manifest names", func(w io.Writer) { compressed(t, w, hidden) })
	}
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
		var r *refusal.Refusal
		if !errors.As(err, &r) {
			accepted++
			t.Errorf("bit %d of byte %d: got %v, want a refusal", bit, at, err)
			continue
		}
		kinds[r.Kind.Error()]++
	}
	text, err := json.Marshal(kinds)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d flipped bits of %d, %d accepted: %s", flips, 8*len(raw), accepted, text)
}
