package bundle

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	"github.com/penstock-dev/penstock/pipelines/capsule"
)

// StatementSchema is the version of the statement's JSON form.
const StatementSchema = "penstock.bundle-statement/v1"

// What is signed begins with what it is, so that no signature of one kind can be
// passed off as another.
const statementDomain = "penstock.bundle/v1 statement\x00"

// maxRecord is the largest signed statement that is read, in bytes.
const maxRecord = 16 << 10

// Statement binds a version to the one archive that has it. Digests are written
// "sha256:" and 64 hex digits.
type Statement struct {
	Schema  string `json:"schema"`
	Version string `json:"version"`
	// Digest is that of the archive, and Size its bytes.
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
	// Manifest and SBOM are the digests of the archive's manifest and of the SBOM
	// beside it.
	Manifest string `json:"manifest"`
	SBOM     string `json:"sbom"`
	Commit   string `json:"commit"`
}

// Record is the file beside an archive: the statement and the signature of it, as
// encode writes it.
type Record struct {
	Statement Statement         `json:"statement"`
	Signature capsule.Signature `json:"signature"`
}

func (s Statement) valid() error {
	if s.Schema != StatementSchema {
		return refuse(ErrStatement, "use the version of penstock that packed the bundle", "the statement's schema is %q, this penstock reads %q", s.Schema, StatementSchema)
	}
	if !isVersion(s.Version) || !digestForm.MatchString(s.Digest) || !digestForm.MatchString(s.Manifest) || !digestForm.MatchString(s.SBOM) ||
		!commitForm.MatchString(s.Commit) || s.Size <= 0 || s.Size > maxArchive {
		return refuse(ErrStatement, hintTrust, "the statement holds a value that cannot be: version %q, digest %q, %d bytes", s.Version, s.Digest, s.Size)
	}
	return nil
}

// sign returns the record of a statement.
func (s Statement) sign(key crypto.Signer) ([]byte, error) {
	message, err := encode(s)
	if err != nil {
		return nil, err
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, refuse(ErrSigner, hintKey, "the signing key is not an ed25519 key")
	}
	signed, err := key.Sign(rand.Reader, append([]byte(statementDomain), message...), crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return encode(Record{s, capsule.Signature{Signer: capsule.FormatPublic(public), Signature: base64.StdEncoding.EncodeToString(signed)}})
}

// readRecord reads a record and checks that its signature holds for the key that it
// names itself. Whether that key counts is for by to say.
func readRecord(text []byte) (Record, error) {
	var r Record
	if len(text) > maxRecord {
		return r, refuse(ErrStatement, hintTrust, "the statement has more than %d bytes", maxRecord)
	}
	if err := decode(text, &r); err != nil {
		return r, refuse(ErrStatement, hintTrust, "reading the statement: %v", err)
	}
	if err := r.Statement.valid(); err != nil {
		return r, err
	}
	key, err := capsule.ParsePublic(r.Signature.Signer)
	if err != nil || capsule.FormatPublic(key) != r.Signature.Signer {
		return r, refuse(ErrSigner, hintTrust, "the signer %q is not an ed25519 public key", r.Signature.Signer)
	}
	signed, err := base64.StdEncoding.Strict().DecodeString(r.Signature.Signature)
	if err != nil || base64.StdEncoding.EncodeToString(signed) != r.Signature.Signature {
		return r, refuse(ErrSigner, hintTrust, "the signature is not base64")
	}
	message, err := encode(r.Statement)
	if err != nil {
		return r, err
	}
	if !ed25519.Verify(key, append([]byte(statementDomain), message...), signed) {
		return r, refuse(ErrSigner, hintTrust, "the signature of %s does not hold for the statement of version %s", r.Signature.Signer, r.Statement.Version)
	}
	return r, nil
}

// Signers are the public keys of those who may sign bundles, by name.
type Signers map[string]ed25519.PublicKey

// ParseSigners reads signers as penstock.yaml names them.
func ParseSigners(texts map[string]string) (Signers, error) {
	signers := Signers{}
	for name, text := range texts {
		key, err := capsule.ParsePublic(text)
		if err != nil {
			return nil, fmt.Errorf("reading the signer %q: %w", name, err)
		}
		signers[name] = key
	}
	return signers, nil
}

// name is the name of who signed a record that was read.
func (s Signers) name(r Record) (string, error) {
	if len(s) == 0 {
		return "", refuse(ErrSigner, hintSigner, "nobody is trusted to sign bundles")
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if capsule.FormatPublic(s[name]) == r.Signature.Signer {
			return name, nil
		}
	}
	return "", refuse(ErrSigner, hintSigner, "version %s was signed by %s, which is none of the %d signers that are trusted", r.Statement.Version, r.Signature.Signer, len(s))
}
