package capsule

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
)

// maxRecipients bounds the header that every opener has to read.
const maxRecipients = 100

const hintRecipient = "give an age public key (age1...) or a line that begins with ssh-ed25519 or ssh-rsa"

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
