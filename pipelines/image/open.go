package image

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/capsule"
)

// open judges an attestation: it counts when someone known signed exactly these bytes,
// and they speak of this digest. digest is "sha256:...".
func open(text []byte, digest string, signers Signers) (*Record, error) {
	var e envelope
	if err := strict(text, &e); err != nil {
		return nil, refused(ErrTampered, "the envelope: %v", err)
	}
	payload, err := strict64(e.Payload)
	if err != nil {
		return nil, refused(ErrTampered, "the payload is not base64")
	}
	if e.PayloadType != string(statementType) {
		return nil, refused(ErrTampered, "the payload is a %q", e.PayloadType)
	}
	// What it is about is asked before who signed it: provenance is signed too.
	var kind struct {
		PredicateType string `json:"predicateType"`
	}
	if json.Unmarshal(payload, &kind) == nil && kind.PredicateType == provenanceType {
		return nil, errOther
	}
	signer, err := e.signedBy(payload, signers)
	if err != nil {
		return nil, err
	}
	var s statement[deployed]
	if err := strict(payload, &s); err != nil {
		return nil, refused(ErrTampered, "the statement: %v", err)
	}
	if s.Type != statementSchema || s.PredicateType != DeployedType {
		return nil, refused(ErrTampered, "the statement is a %q of %q", s.PredicateType, s.Type)
	}
	if len(s.Subject) != 1 || len(s.Subject[0].Digest) != 1 || "sha256:"+s.Subject[0].Digest["sha256"] != digest {
		return nil, refused(ErrDigest, "%s signed it for %s", signer, signedFor(s.Subject))
	}
	return &Record{Environment: s.Predicate.Environment, Signer: signer, Facts: s.Predicate.Facts}, nil
}

func signedFor(list []subject) string {
	var all []string
	for _, s := range list {
		for _, name := range slices.Sorted(maps.Keys(s.Digest)) {
			all = append(all, name+":"+s.Digest[name])
		}
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

// signedBy names the known signer of a payload. A signature that holds by a key nobody
// knows is an unknown signer; one that does not hold is tampered with.
func (e envelope) signedBy(payload []byte, signers Signers) (string, error) {
	if len(e.Signatures) == 0 {
		return "", refused(ErrTampered, "nobody signed it")
	}
	message := encoded(e.PayloadType, payload)
	var stranger string
	for _, s := range e.Signatures {
		signed, err := strict64(s.Sig)
		if err != nil || len(signed) != ed25519.SignatureSize {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(signers)) {
			if key := signers[name]; len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, signed) {
				return name, nil
			}
		}
		if key, err := capsule.ParsePublic(s.KeyID); err == nil && ed25519.Verify(key, message, signed) {
			stranger = s.KeyID
		}
	}
	if stranger != "" {
		return "", refused(ErrSigner, "%s, who is not one of the %d known signers", stranger, len(signers))
	}
	return "", refused(ErrTampered, "the signature does not hold for what it stands beside")
}

// strict reads one JSON value without members that nobody knows, and nothing behind it.
func strict(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

// strict64 decodes base64 that can be written in one way only.
func strict64(text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && base64.StdEncoding.EncodeToString(decoded) != text {
		err = errors.New("not canonical")
	}
	return decoded, err
}
