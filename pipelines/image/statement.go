package image

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/penstock-dev/penstock/pipelines/capsule"
)

const (
	statementSchema = "https://in-toto.io/Statement/v1"
	predicateNote   = "in-toto.io/predicate-type"
)

// statement is in-toto's: a predicate on subjects.
type statement[P any] struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     P         `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

func newStatement[P any](predicateType, name string, digests []v1.Hash, predicate P) statement[P] {
	s := statement[P]{Type: statementSchema, PredicateType: predicateType, Predicate: predicate}
	for _, d := range digests {
		s.Subject = append(s.Subject, subject{name, map[string]string{d.Algorithm: d.Hex}})
	}
	return s
}

// envelope is DSSE's: a payload and who signed it.
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	// KeyID is the public key, as penstock capsule keygen prints it.
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// encoded is what is signed, by DSSE: no signature of a capsule or of SSH begins so.
func encoded(payloadType string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
}

// seal signs a statement.
func seal(payload []byte, key crypto.Signer) ([]byte, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("signing: the key is not an ed25519 key")
	}
	signed, err := key.Sign(rand.Reader, encoded(string(statementType), payload), crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return json.Marshal(envelope{PayloadType: string(statementType), Payload: base64.StdEncoding.EncodeToString(payload),
		Signatures: []signature{{KeyID: capsule.FormatPublic(public), Sig: base64.StdEncoding.EncodeToString(signed)}}})
}
