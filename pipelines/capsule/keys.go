package capsule

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

// What is signed begins with what it is, so that no signature of one kind can be
// passed off as another, nor as one of SSH.
const (
	envelopeDomain = "penstock.capsule/v1 envelope\x00"
	approvalDomain = "penstock.approval/v1 approval\x00"
)

const publicPrefix = "ed25519:"

const hintKey = "make one with penstock capsule keygen"

// maxKey is the largest file of a key that is read, in bytes.
const maxKey = 64 << 10

// GenerateKey makes a signing key: the private one as PEM (PKCS #8), the public
// one as FormatPublic writes it.
func GenerateKey() (private []byte, public string, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, "", err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), FormatPublic(pub), nil
}

// FormatPublic writes a public key as "ed25519:" and base64.
func FormatPublic(key ed25519.PublicKey) string {
	return publicPrefix + base64.StdEncoding.EncodeToString(key)
}

// ParsePublic reads the public key of a signer or approver: "ed25519:<base64>", or
// a line of OpenSSH that begins with ssh-ed25519.
func ParsePublic(text string) (ed25519.PublicKey, error) {
	text = strings.TrimSpace(text)
	if encoded, ok := strings.CutPrefix(text, publicPrefix); ok {
		key, err := strict64(encoded)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, refuse(ErrKey, hintKey, "%q is not an ed25519 public key: it needs the base64 of 32 bytes", text)
		}
		return key, nil
	}
	// What is no public key may be a secret one: it is not repeated.
	if !strings.HasPrefix(text, ssh.KeyAlgoED25519+" ") {
		return nil, refuse(ErrKey, hintKey, "a public key begins with %q or %q", publicPrefix, ssh.KeyAlgoED25519)
	}
	line, err := sshKey(text)
	if err != nil {
		return nil, err
	}
	wrapped, ok := line.(ssh.CryptoPublicKey)
	if !ok {
		return nil, refuse(ErrKey, hintKey, "%q is not an ed25519 public key", text)
	}
	key, ok := wrapped.CryptoPublicKey().(ed25519.PublicKey)
	if !ok {
		return nil, refuse(ErrKey, hintKey, "%q is not an ed25519 public key", text)
	}
	return key, nil
}

// sshKey reads one line of a public key of OpenSSH, without options.
func sshKey(line string) (ssh.PublicKey, error) {
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil || len(options) > 0 || len(rest) > 0 {
		return nil, refuse(ErrKey, "give one line of a .pub file", "%q is not one public key of OpenSSH", line)
	}
	return key, nil
}

// ParseSigner reads a private key to sign with: PEM of PKCS #8, or OpenSSH's own
// format, without a passphrase.
func ParseSigner(text []byte) (crypto.Signer, error) {
	key, err := ssh.ParseRawPrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return nil, refuse(ErrKey, "use a key of its own for signing: "+hintKey, "the signing key has a passphrase")
	}
	if err != nil {
		return nil, refuse(ErrKey, hintKey, "the signing key is neither PEM of PKCS #8 nor a key of OpenSSH")
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return key, nil
	case *ed25519.PrivateKey:
		return *key, nil
	}
	return nil, refuse(ErrKey, hintKey, "the signing key is not an ed25519 key")
}

// ReadSigner reads a private key from a file.
func ReadSigner(path string) (crypto.Signer, error) {
	text, err := readKey(path)
	if err != nil {
		return nil, fmt.Errorf("reading the signing key: %w", err)
	}
	key, err := ParseSigner(text)
	if err != nil {
		return nil, fmt.Errorf("reading the signing key %q: %w", path, err)
	}
	return key, nil
}

func readKey(path string) ([]byte, error) {
	file, err := os.Open(path) // a pipe too: a shell hands over secrets so
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKey+1))
	if len(text) > maxKey {
		return nil, refuse(ErrKey, hintKey, "%q has more than %d bytes: it is no key", path, maxKey)
	}
	return text, err
}

// sign signs a message of a domain.
func sign(key crypto.Signer, domain string, message []byte) (Signature, error) {
	public, err := publicOf(key)
	if err != nil {
		return Signature{}, err
	}
	signed, err := key.Sign(rand.Reader, append([]byte(domain), message...), crypto.Hash(0))
	if err != nil {
		return Signature{}, fmt.Errorf("signing: %w", err)
	}
	return Signature{Signer: FormatPublic(public), Signature: base64.StdEncoding.EncodeToString(signed)}, nil
}

func publicOf(key crypto.Signer) (ed25519.PublicKey, error) {
	if key != nil {
		if public, ok := key.Public().(ed25519.PublicKey); ok && len(public) == ed25519.PublicKeySize {
			return public, nil
		}
	}
	return nil, refuse(ErrKey, hintKey, "the signing key is not an ed25519 key")
}

// holds checks the signature with the key that it names itself: whether that key
// counts is for the caller to say.
func (s Signature) holds(domain string, message []byte) (ed25519.PublicKey, error) {
	encoded, ok := strings.CutPrefix(s.Signer, publicPrefix)
	key, err := strict64(encoded)
	if !ok || err != nil || len(key) != ed25519.PublicKeySize {
		return nil, refuse(ErrSignature, hintTrust, "the signer %q is not an ed25519 public key", s.Signer)
	}
	signed, err := strict64(s.Signature)
	if err != nil || len(signed) != ed25519.SignatureSize {
		return nil, refuse(ErrSignature, hintTrust, "the signature is not the base64 of 64 bytes")
	}
	if !ed25519.Verify(key, append([]byte(domain), message...), signed) {
		return nil, refuse(ErrSignature, hintTrust, "the signature of %s does not hold for what it stands beside", s.Signer)
	}
	return key, nil
}

// strict64 decodes base64 that can be written in one way only: Go's decoder skips
// newlines.
func strict64(text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && base64.StdEncoding.EncodeToString(decoded) != text {
		err = errors.New("not canonical")
	}
	return decoded, err
}

// nameOf finds the name of a key, or "".
func nameOf(keys map[string]ed25519.PublicKey, key ed25519.PublicKey) string {
	found := ""
	for name, known := range keys {
		if len(known) == ed25519.PublicKeySize && bytes.Equal(known, key) && (found == "" || name < found) {
			found = name
		}
	}
	return found
}
