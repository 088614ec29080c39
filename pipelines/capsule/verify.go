package capsule

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"time"
)

// skew is how far clocks of machines may be apart.
const skew = 2 * time.Minute

// Trust is whose capsules count, and when.
type Trust struct {
	// Signers are the public keys of those who may seal, by name.
	Signers map[string]ed25519.PublicKey
	// Now is the time to judge by. Default: now.
	Now time.Time
}

// Verify says whether someone known made the capsule, whether it is whole, and
// whether it still holds. It reads the whole payload, without opening it.
func (c *Capsule) Verify(t Trust) error {
	c.verified, c.Signer = false, ""
	if err := c.verify(t); err != nil {
		return fmt.Errorf("verifying the capsule %q: %w", c.Path, err)
	}
	c.verified = true
	return nil
}

func (c *Capsule) verify(t Trust) error {
	if len(t.Signers) == 0 {
		return refuse(ErrSigner, "name the public keys of those who may seal", "nobody is trusted, so nobody can have signed it")
	}
	key, err := c.Signature.holds(envelopeDomain, c.envelope)
	if err != nil {
		return err
	}
	signer := nameOf(t.Signers, key)
	if signer == "" {
		return refuse(ErrSigner, hintTrust, "it was signed by %s, who is not one of the %d known signers", c.Signature.Signer, len(t.Signers))
	}
	if err := c.checkPayload(); err != nil {
		return err
	}
	if err := c.checkRecipients(); err != nil {
		return err
	}
	if err := c.checkOrigin(t.Now); err != nil {
		return err
	}
	c.Signer = signer
	return nil
}

// checkPayload streams the payload and compares it with the envelope.
func (c *Capsule) checkPayload() error {
	file, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.NewSectionReader(file, c.payload.offset, c.payload.size))
	if err != nil {
		return err
	}
	return c.samePayload(n, sum.Sum(nil))
}

func (c *Capsule) samePayload(size int64, sum []byte) error {
	if got, want := hex.EncodeToString(sum), c.Envelope.Payload.SHA256; size != c.Envelope.Payload.Size || got != want {
		return refuse(ErrPayload, hintTrust, "the payload has %d bytes and the sha256 %s, the envelope was signed for %d bytes and %s",
			size, got, c.Envelope.Payload.Size, want)
	}
	return nil
}

// checkOrigin says whether the capsule may be used now, and came from here.
func (c *Capsule) checkOrigin(now time.Time) error {
	if now.IsZero() {
		now = time.Now()
	}
	m := c.Manifest
	const form = time.RFC3339
	switch {
	case m.Creator.HeadRepository != m.Creator.Repository:
		return refuse(ErrFork, "let a maintainer bring the change into the repository itself",
			"it was made for a change from %q, which is not %q", m.Creator.HeadRepository, m.Creator.Repository)
	case m.Created.After(now.Add(skew)):
		return refuse(ErrFuture, "set the clocks of both machines", "it was made at %s, and it is %s", m.Created.Format(form), now.UTC().Format(form))
	case c.Envelope.Sealed.After(now.Add(skew)):
		return refuse(ErrFuture, "set the clocks of both machines", "it was sealed at %s, and it is %s", c.Envelope.Sealed.Format(form), now.UTC().Format(form))
	case !now.Before(m.Expires):
		return refuse(ErrExpired, hintPlan, "it expired at %s, and it is %s", m.Expires.Format(form), now.UTC().Format(form))
	}
	return nil
}

// errUnverified keeps a capsule that nobody vouches for from being opened.
func (c *Capsule) errUnverified(doing string) error {
	if c.verified {
		return nil
	}
	return fmt.Errorf("%s the capsule %q: %w", doing, c.Path, refuse(ErrUnverified, "verify it first: penstock capsule verify", "it was not verified"))
}
