package image

import (
	"bytes"
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Proof is what was read back from a registry after a write.
type Proof struct {
	// Manifests were read and compared byte by byte, Blobs asked for by digest and size.
	Manifests int `json:"manifests"`
	Blobs     int `json:"blobs"`
	// Referrers are listed by the registry for what they refer to.
	Referrers int `json:"referrers"`
}

// readBack proves that a repository holds the image as it was sent.
func (c *connection) readBack(ctx context.Context, to name.Repository, list []node) (Proof, error) {
	var p Proof
	seen := map[v1.Hash]bool{}
	for _, n := range list {
		got, err := c.pull.Get(ctx, to.Digest(n.digest.String()))
		if err != nil {
			return p, fmt.Errorf("reading back the manifest %s: %w", n.digest, err)
		}
		if !bytes.Equal(got.Manifest, n.raw) {
			return p, refuse("", "the registry gives another manifest for %s than it was sent", n.digest)
		}
		p.Manifests++
		for _, b := range n.blobs {
			if seen[b.Digest] || !b.MediaType.IsDistributable() {
				continue
			}
			seen[b.Digest] = true
			if err := c.holdsBlob(ctx, to, b); err != nil {
				return p, err
			}
			p.Blobs++
		}
		if n.subject == nil {
			continue
		}
		if err := c.lists(to.Digest(n.subject.Digest.String()), n.digest); err != nil {
			return p, err
		}
		p.Referrers++
	}
	return p, nil
}

func (c *connection) holdsBlob(ctx context.Context, to name.Repository, b v1.Descriptor) error {
	layer, err := c.pull.Layer(ctx, to.Digest(b.Digest.String()))
	if err != nil {
		return err
	}
	size, err := layer.Size()
	if err != nil {
		return fmt.Errorf("reading back the blob %s: %w", b.Digest, err)
	}
	if size != b.Size {
		return refuse("", "the registry has %d bytes of the blob %s, which has %d", size, b.Digest, b.Size)
	}
	return nil
}

// lists proves that who asks for what refers to subject is told of digest.
func (c *connection) lists(subject name.Digest, digest v1.Hash) error {
	list, err := c.referrers(subject)
	if err != nil {
		return err
	}
	for _, d := range list {
		if d.Digest == digest {
			return nil
		}
	}
	return &notListed{subject: subject.DigestStr(), digest: digest}
}

// notListed is a referrer that is there and that the registry does not list. Where it
// keeps no list itself, two that write at the same moment can lose one of theirs.
type notListed struct {
	subject string
	digest  v1.Hash
}

func (e *notListed) Error() string {
	return fmt.Sprintf("the registry does not list %s among what refers to %s", e.digest, e.subject)
}

// referrers lists what refers to a digest, by the API or by the tag that stands in for it.
func (c *connection) referrers(subject name.Digest) ([]v1.Descriptor, error) {
	index, err := remote.Referrers(subject, c.options...)
	if err != nil {
		return nil, fmt.Errorf("listing what refers to %s: %w", subject.DigestStr(), err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("listing what refers to %s: %w", subject.DigestStr(), err)
	}
	if len(m.Manifests) > maxManifests {
		return nil, refuse("", "more than %d manifests refer to %s", maxManifests, subject.DigestStr())
	}
	return m.Manifests, nil
}
