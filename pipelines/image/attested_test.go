package image

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// pushed is an image in a registry.
func pushed(t *testing.T, r *faulty) *Pushed {
	t.Helper()
	got, err := Push{Registry: quick, Layout: built(t, nil).Layout, Repository: r.host + "/acme/orders"}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func keyed(t *testing.T) (crypto.Signer, Signers) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key, Signers{"pipeline": public}
}

func TestAttestedAndGate(t *testing.T) {
	order := []string{"dvlp", "pprd", "prod"}
	for _, api := range []bool{true, false} { // the second is the tag that stands in for the API
		r := serve(t, api)
		p := pushed(t, r)
		key, signers := keyed(t)
		gate := func(environment string) error {
			_, err := quick.Gate(t.Context(), p.Reference, environment, order, signers)
			return err
		}
		if err := gate("dvlp"); err != nil {
			t.Errorf("the first environment: %v", err)
		}
		if err := gate("pprd"); !errors.Is(err, ErrNone) || !errors.Is(err, ErrRefused) {
			t.Errorf("before anything was attested: %v", err)
		}
		facts := Facts{Service: "orders", Commit: labels.Revision, Deployed: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)}
		if _, err := quick.Attest(t.Context(), p.Reference, "dvlp", facts, key); err != nil {
			t.Fatal(err)
		}
		if err := gate("pprd"); err != nil {
			t.Errorf("after dvlp attested it: %v", err)
		}
		if err := gate("prod"); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "there are those of dvlp") {
			t.Errorf("prod takes what pprd did not attest: %v", err)
		}
		if err := gate("qa"); err == nil || errors.Is(err, ErrNone) {
			t.Errorf("an environment that is not declared: %v", err)
		}
		later := facts
		later.Deployed, later.Actor = facts.Deployed.Add(time.Hour), "ines"
		if _, err := quick.Attest(t.Context(), p.Reference, "dvlp", later, key); err != nil {
			t.Fatal(err)
		}
		got, err := quick.Attested(t.Context(), p.Reference, "dvlp", signers)
		if err != nil || got.Signer != "pipeline" || got.Facts != later {
			t.Errorf("the latest is %+v, %v", got, err)
		}
		if _, err := quick.Attested(t.Context(), p.Reference, "dvlp", nil); !errors.Is(err, ErrSigner) {
			t.Errorf("nobody is trusted: %v", err)
		}
		if _, err := quick.Gate(t.Context(), r.host+"/acme/orders:v1", "dvlp", order, signers); !errors.Is(err, ErrReference) {
			t.Errorf("a tag instead of a digest: %v", err)
		}
	}
}

// forge is an attestation as an attacker may write it who can push, and has a key that
// is not trusted.
type forged struct {
	digest, environment, predicate string
	key                            crypto.Signer
	// envelope and manifest are changed after the signature.
	envelope func(*envelope)
	text     func([]byte) []byte
	payload  func([]byte) []byte
	manifest func(*v1.Manifest)
}

func (f forged) artifact(t *testing.T, subject v1.Descriptor) manifest {
	t.Helper()
	digest, err := v1.NewHash(f.digest)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(newStatement(f.predicate, "orders", []v1.Hash{digest}, deployed{Environment: f.environment, Facts: Facts{Deployed: time.Unix(1, 0).UTC()}}))
	if err != nil {
		t.Fatal(err)
	}
	if f.payload != nil {
		payload = f.payload(payload)
	}
	text, err := seal(payload, f.key)
	if err != nil {
		t.Fatal(err)
	}
	if f.envelope != nil {
		var e envelope
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		f.envelope(&e)
		if text, err = json.Marshal(e); err != nil {
			t.Fatal(err)
		}
	}
	if f.text != nil {
		text = f.text(text)
	}
	one, err := newArtifact(subject, envelopeType, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f.manifest == nil {
		return one
	}
	m, err := one.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	m = m.DeepCopy()
	f.manifest(m)
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return rawManifest(raw)
}

// rawManifest is a manifest as somebody wrote it.
type rawManifest []byte

func (r rawManifest) RawManifest() ([]byte, error)        { return r, nil }
func (r rawManifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (r rawManifest) Size() (int64, error)                { return int64(len(r)), nil }
func (r rawManifest) Digest() (v1.Hash, error) {
	digest, _, err := v1.SHA256(strings.NewReader(string(r)))
	return digest, err
}

func TestWhatIsForgedIsRefusedByReason(t *testing.T) {
	key, signers := keyed(t)
	stranger, _ := keyed(t)
	other := "sha256:" + strings.Repeat("0", 64)
	repack := func(change func([]byte) []byte) func(*envelope) {
		return func(e *envelope) {
			text, _ := base64.StdEncoding.DecodeString(e.Payload)
			e.Payload = base64.StdEncoding.EncodeToString(change(text))
		}
	}
	swap := func(from, to string) func([]byte) []byte {
		return func(text []byte) []byte { return []byte(strings.Replace(string(text), from, to, 1)) }
	}
	cases := map[string]struct {
		forged
		want error
	}{
		"signed by a stranger":                        {forged{key: stranger}, ErrSigner},
		"by a stranger who calls himself the signer":  {forged{key: stranger, envelope: func(e *envelope) { e.Signatures[0].KeyID = "pipeline" }}, ErrTampered},
		"by a stranger with the key id of the signer": {forged{key: stranger, envelope: func(e *envelope) { e.Signatures[0].KeyID = keyID(t, key) }}, ErrTampered},
		"for another digest":                          {forged{digest: other}, ErrDigest},
		"for two digests":                             {forged{payload: swap(`"subject":[{`, `"subject":[{"name":"x","digest":{"sha256":"`+other[7:]+`"}},{`)}, ErrDigest},
		"for a digest by another algorithm":           {forged{payload: swap(`{"sha256":`, `{"sha512":`)}, ErrDigest},
		"of another environment":                      {forged{environment: "qa"}, ErrNone},
		"environment changed after signing":           {forged{environment: "qa", envelope: repack(swap("qa", "dvlp"))}, ErrTampered},
		"digest changed after signing":                {forged{digest: other, envelope: repack(swap(other[7:], "DIGEST"))}, ErrTampered},
		"a blank added to the payload":                {forged{envelope: repack(func(b []byte) []byte { return append(b, ' ') })}, ErrTampered},
		"no signature":                                {forged{envelope: func(e *envelope) { e.Signatures = nil }}, ErrTampered},
		"a signature of zeros":                        {forged{envelope: func(e *envelope) { e.Signatures[0].Sig = base64.StdEncoding.EncodeToString(make([]byte, 64)) }}, ErrTampered},
		"a short signature":                           {forged{envelope: func(e *envelope) { e.Signatures[0].Sig = "AAAA" }}, ErrTampered},
		"a signature that is not base64":              {forged{envelope: func(e *envelope) { e.Signatures[0].Sig = "%" }}, ErrTampered},
		"another type of payload":                     {forged{envelope: func(e *envelope) { e.PayloadType = "text/plain" }}, ErrTampered},
		"another predicate":                           {forged{predicate: "https://example.com/x"}, ErrTampered},
		"another version of statements":               {forged{payload: swap("Statement/v1", "Statement/v9")}, ErrTampered},
		"an unknown member in the statement":          {forged{payload: swap(`"predicate":{`, `"predicate":{"waived":true,`)}, ErrTampered},
		"an unknown member in the envelope":           {forged{text: swap(`{`, `{"x":1,`)}, ErrTampered},
		"cut short":                                   {forged{text: func(b []byte) []byte { return b[:len(b)/2] }}, ErrTampered},
		"something behind it":                         {forged{text: func(b []byte) []byte { return append(b, "{}"...) }}, ErrTampered},
		"empty":                                       {forged{text: func([]byte) []byte { return []byte{} }}, ErrTampered},
		"more than a mebibyte":                        {forged{text: func(b []byte) []byte { return append(b, strings.Repeat(" ", maxAttestation)...) }}, ErrTampered},
		"two layers":                                  {forged{manifest: func(m *v1.Manifest) { m.Layers = append(m.Layers, m.Layers[0]) }}, ErrTampered},
		"no layer":                                    {forged{manifest: func(m *v1.Manifest) { m.Layers = nil }}, ErrTampered},
		"a layer of another type":                     {forged{manifest: func(m *v1.Manifest) { m.Layers[0].MediaType = "text/plain" }}, ErrTampered},
		"a layer that lies about its size":            {forged{text: func(b []byte) []byte { return append(b, strings.Repeat(" ", maxAttestation)...) }, manifest: func(m *v1.Manifest) { m.Layers[0].Size = 1 }}, ErrTampered},
		"a provenance":                                {forged{predicate: provenanceType}, ErrNone},
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		t.Run(name, func(t *testing.T) {
			r := serve(t, true)
			p := pushed(t, r)
			if c.digest == "" {
				c.digest = p.Digest
			}
			if c.environment == "" {
				c.environment = "dvlp"
			}
			if c.predicate == "" {
				c.predicate = DeployedType
			}
			if c.key == nil {
				c.key = key
			}
			plant(t, p, c.forged)
			_, err := quick.Attested(t.Context(), p.Reference, "dvlp", signers)
			if !errors.Is(err, c.want) || !errors.Is(err, ErrRefused) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			for _, reason := range reasons {
				if reason != c.want && errors.Is(err, reason) {
					t.Errorf("it is told as %q as well: %v", reason, err)
				}
			}
			// What lies there must not keep a true one from counting.
			if _, err := quick.Attest(t.Context(), p.Reference, "dvlp", Facts{}, key); err != nil {
				t.Fatal(err)
			}
			if _, err := quick.Attested(t.Context(), p.Reference, "dvlp", signers); err != nil {
				t.Errorf("a true one beside it does not count: %v", err)
			}
		})
	}
}

func keyID(t *testing.T, key crypto.Signer) string {
	t.Helper()
	text, err := seal([]byte("{}"), key)
	var e envelope
	if err != nil || json.Unmarshal(text, &e) != nil {
		t.Fatal(err)
	}
	return e.Signatures[0].KeyID
}

// plant pushes a forged attestation as anybody could who may push.
func plant(t *testing.T, p *Pushed, f forged) {
	t.Helper()
	ref, err := ParseDigest(p.Reference)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := quick.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := conn.pull.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	clean := f
	clean.manifest = nil
	if err := conn.push.Push(t.Context(), ref.Context().Tag("blobs"), clean.artifact(t, v1.Descriptor{MediaType: got.MediaType, Size: got.Size,
		Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("1", 64)}})); err != nil {
		t.Fatal(err) // the blobs alone: it refers to something else
	}
	one := f.artifact(t, got.Descriptor)
	if err := conn.push.Put(t.Context(), ref.Context().Digest(digestOf(one)), one); err != nil {
		t.Fatal(err)
	}
}

// A list that is a tag can be written by anybody who may push: it may list what refers
// to another image.
func TestAListThatLiesIsSeenThrough(t *testing.T) {
	r := serve(t, false)
	p := pushed(t, r)
	key, signers := keyed(t)
	second, err := Push{Registry: quick, Layout: built(t, func(b *Build) { b.Labels.Version = "2" }).Layout, Repository: r.host + "/acme/orders"}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := quick.Attest(t.Context(), p.Reference, "dvlp", Facts{}, key); err != nil {
		t.Fatal(err)
	}
	ref, _ := ParseDigest(p.Reference)
	conn, err := quick.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stand := func(digest string) string { return strings.Replace(digest, ":", "-", 1) }
	list, err := conn.pull.Get(t.Context(), ref.Context().Tag(stand(p.Digest)))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.push.Put(t.Context(), ref.Context().Tag(stand(second.Digest)), list); err != nil {
		t.Fatal(err)
	}
	if _, err := quick.Attested(t.Context(), second.Reference, "dvlp", signers); !errors.Is(err, ErrDigest) {
		t.Errorf("got %v", err)
	}
}
