package capsule

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
)

// maxRecipients bounds the header that every opener has to read.
const maxRecipients = 100

const hintRecipient = "give an age public key (age1...) or a line that begins with ssh-ed25519 or ssh-rsa"

// ParseRecipients reads the public keys of those who are to open a capsule, and
// returns them sorted, each once, without comments: age keys (age1...) and lines of
// OpenSSH (ssh-ed25519, ssh-rsa of 2048 bits and more).
func ParseRecipients(given []string) ([]string, error) {
	canonical, _, err := parseRecipients(given)
	return canonical, err
}

// parseRecipients reads public keys and returns them sorted, each once, without
// comments: the same people are always written in the same way.
func parseRecipients(given []string) (canonical []string, parsed []age.Recipient, err error) {
	byKey := map[string]age.Recipient{}
	for _, text := range given {
		key, recipient, err := parseRecipient(strings.TrimSpace(text))
		if err != nil {
			return nil, nil, err
		}
		byKey[key] = recipient
		canonical = append(canonical, key)
	}
	slices.Sort(canonical)
	canonical = slices.Compact(canonical)
	if len(canonical) == 0 {
		return nil, nil, refuse(ErrRecipient, hintRecipient, "there is no recipient: nobody could open the capsule")
	}
	if len(canonical) > maxRecipients {
		return nil, nil, refuse(ErrRecipient, "seal to a key that several people hold", "there are %d recipients, at most %d can be", len(canonical), maxRecipients)
	}
	for _, key := range canonical {
		parsed = append(parsed, byKey[key])
	}
	return canonical, parsed, nil
}

// parseRecipient reads one public key. What is not clearly a public key is not
// repeated in the error: it may be a secret one, given by mistake.
func parseRecipient(text string) (string, age.Recipient, error) {
	kind, _, _ := strings.Cut(text, " ")
	switch {
	case kind == ssh.KeyAlgoED25519 || kind == ssh.KeyAlgoRSA:
		key, err := sshKey(text)
		if err != nil {
			return "", nil, refuse(ErrRecipient, hintRecipient, "%v", err)
		}
		line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
		recipient, err := agessh.ParseRecipient(line)
		if err != nil {
			return "", nil, refuse(ErrRecipient, hintRecipient, "the recipient %q cannot be sealed to: %v", text, err)
		}
		return line, recipient, nil
	case strings.HasPrefix(text, "age1pq1"):
		return "", nil, refuse(ErrRecipient, hintRecipient, "the recipient %q is a post-quantum key: no SSH key could stand beside it", text)
	case strings.HasPrefix(text, "age1") && strings.Count(text, "1") > 1 && len(text) != 62:
		return "", nil, refuse(ErrRecipient, hintRecipient, "the recipient %q needs a plugin of age: plugins are programs, and none is started", text)
	case strings.HasPrefix(text, "age1"):
		recipient, err := age.ParseX25519Recipient(text)
		if err != nil {
			return "", nil, refuse(ErrRecipient, hintRecipient, "the recipient %q is not an age public key", text)
		}
		return recipient.String(), recipient, nil
	case strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-"):
		return "", nil, refuse(ErrRecipient, "give the public key, and change the secret one if it was shown to anybody", "a recipient is a secret key of age")
	}
	return "", nil, refuse(ErrRecipient, hintRecipient, "a recipient is neither an age nor an SSH public key")
}

// GenerateIdentity makes a key of age to open with: the private one as a file of
// age holds it, the public one as a recipient.
func GenerateIdentity() (private []byte, public string, err error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, "", err
	}
	public = identity.Recipient().String()
	return []byte("# public key: " + public + "\n" + identity.String() + "\n"), public, nil
}

// ParseIdentities reads private keys to open with: a file of age
// (AGE-SECRET-KEY-1...), or a private key of OpenSSH without a passphrase.
func ParseIdentities(text []byte) ([]age.Identity, error) {
	if bytes.Contains(text, []byte("-----BEGIN")) {
		identity, err := agessh.ParseIdentity(text)
		var locked *ssh.PassphraseMissingError
		if errors.As(err, &locked) {
			return nil, refuse(ErrKey, "use a key without one that this job alone holds: age-keygen, or penstock capsule keygen", "the identity has a passphrase")
		}
		if err != nil {
			return nil, refuse(ErrKey, "give an ed25519 or RSA key of OpenSSH, or one of age", "the identity is not a private key of OpenSSH")
		}
		return []age.Identity{identity}, nil
	}
	identities, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, refuse(ErrKey, "give an ed25519 or RSA key of OpenSSH, or one of age", "the identity is neither a key of age nor of OpenSSH")
	}
	return identities, nil
}

// ReadIdentities reads private keys from files.
func ReadIdentities(paths ...string) ([]age.Identity, error) {
	var all []age.Identity
	for _, path := range paths {
		text, err := readKey(path)
		if err != nil {
			return nil, fmt.Errorf("reading an identity: %w", err)
		}
		identities, err := ParseIdentities(text)
		if err != nil {
			return nil, fmt.Errorf("reading the identity %q: %w", path, err)
		}
		all = append(all, identities...)
	}
	return all, nil
}

// maxHeader bounds the header of a payload: that of the most recipients there can
// be has some 80 kB.
const maxHeader = 1 << 20

// checkRecipients compares what the payload says of who can open it with what the
// envelope says: as many age keys (their names are not in it) and the same SSH keys.
func (c *Capsule) checkRecipients() error {
	file, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := age.ExtractHeader(io.LimitReader(io.NewSectionReader(file, c.payload.offset, c.payload.size), maxHeader))
	if err != nil {
		return refuse(ErrPayload, hintTrust, "the payload is not encrypted with age: %v", err)
	}
	var found, named []string
	for line := range strings.Lines(string(text)) {
		if stanza, ok := strings.CutPrefix(strings.TrimSpace(line), "-> "); ok {
			kind, rest, _ := strings.Cut(stanza, " ")
			tag, _, _ := strings.Cut(rest, " ")
			found = append(found, label(kind, tag))
		}
	}
	for _, recipient := range c.Envelope.Recipients {
		if key, err := sshKey(recipient); err == nil {
			sum := sha256.Sum256(key.Marshal()) // age's tag of an SSH key is its first four bytes
			named = append(named, label(key.Type(), base64.RawStdEncoding.EncodeToString(sum[:4])))
			continue
		}
		named = append(named, label("X25519", ""))
	}
	slices.Sort(found)
	slices.Sort(named)
	if !slices.Equal(found, named) {
		return refuse(ErrRecipient, hintTrust, "the payload is sealed to %d keys (%s), the envelope names %d (%s)",
			len(found), strings.Join(found, ", "), len(named), strings.Join(named, ", "))
	}
	return nil
}

// label is what can be said of a recipient in public.
func label(kind, tag string) string {
	if kind == "X25519" {
		return kind // what follows is new for every payload
	}
	return kind + " " + tag
}

// Encrypt returns a writer that encrypts to recipients what is written to it, to be
// closed at the end: for what is no plan, such as the log of an apply. It is read
// with age, or penstock capsule open's identities.
func Encrypt(to io.Writer, recipients []string) (io.WriteCloser, error) {
	_, parsed, err := parseRecipients(recipients)
	if err != nil {
		return nil, err
	}
	return age.Encrypt(to, parsed...)
}
