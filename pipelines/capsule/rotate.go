package capsule

import (
	"crypto"
	"fmt"
	"io"
	"path/filepath"

	"filippo.io/age"
)

// Rotation is who reads a capsule from now on, and who vouches for that.
type Rotation struct {
	// Trust is whose capsules are taken: signing anew what someone unknown made
	// would make it ours.
	Trust Trust
	// Identities open the capsule as it is.
	Identities []age.Identity
	// Recipients are all who can open the new one: those of the old one that are
	// not named can not.
	Recipients []string
	Key        crypto.Signer
}

// Rotate writes a capsule again for other recipients, with the same manifest and
// so the same digest. Every member is checked on the way, and none touches the
// disk unencrypted. In and out may be the same file. Whoever has the old file and
// could open it still can.
func Rotate(in, out string, r Rotation) (digest string, err error) {
	c, err := Read(in)
	if err != nil {
		return "", err
	}
	if err := c.Verify(r.Trust); err != nil {
		return "", err
	}
	if err := c.rotate(out, r); err != nil {
		return "", fmt.Errorf("rotating the capsule %q: %w", in, err)
	}
	return c.Digest, nil
}

func (c *Capsule) rotate(out string, r Rotation) error {
	names, to, err := parseRecipients(r.Recipients)
	if err != nil {
		return err
	}
	if _, err := publicOf(r.Key); err != nil {
		return err
	}
	manifest, err := c.Manifest.bytes()
	if err != nil {
		return err
	}
	discard := func(string) (io.WriteCloser, error) { return nowhere{}, nil }
	sealed, err := encrypt(filepath.Dir(out), to, func(w io.Writer) error {
		return c.decrypt(r.Identities, func(plain io.Reader) error {
			return c.Manifest.unpack(io.TeeReader(plain, w), discard)
		})
	})
	if err != nil {
		return err
	}
	defer sealed.remove()
	return assemble(out, manifest, sealed, names, r.Key)
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) Close() error                { return nil }
