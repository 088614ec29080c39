package image

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// manifest is an image or an index.
type manifest interface {
	partial.Describable
	RawManifest() ([]byte, error)
}

// contents is an image with all that belongs to it: its platforms, and what refers to
// it or to one of them.
type contents struct {
	root      manifest
	digest    v1.Hash
	referrers []manifest
}

// node is one manifest as it is written, with the blobs that it names.
type node struct {
	digest  v1.Hash
	raw     []byte
	blobs   []v1.Descriptor
	subject *v1.Descriptor
}

// maxManifests bounds how many manifests one image may consist of.
const maxManifests = 1000

// nodes lists every manifest of the image, children first, each with the digest that
// its own bytes have.
func (c contents) nodes() ([]node, error) {
	list, err := walk(c.root, nil)
	for _, r := range c.referrers {
		if err != nil {
			return nil, err
		}
		list, err = walk(r, list)
	}
	return list, err
}

// written is what of a manifest's JSON matters here.
type written struct {
	MediaType    types.MediaType   `json:"mediaType"`
	Config       *v1.Descriptor    `json:"config"`
	Layers       []v1.Descriptor   `json:"layers"`
	Manifests    []v1.Descriptor   `json:"manifests"`
	Subject      *v1.Descriptor    `json:"subject"`
	ArtifactType string            `json:"artifactType"`
	Annotations  map[string]string `json:"annotations"`
}

func walk(m manifest, list []node) ([]node, error) {
	raw, err := m.RawManifest()
	if err != nil {
		return nil, err
	}
	digest, _, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if said, err := m.Digest(); err != nil || said != digest {
		return nil, refuse("", "a manifest has the digest %s, and is called %s", digest, said)
	}
	for _, known := range list {
		if known.digest == digest {
			return list, nil
		}
	}
	if len(list) >= maxManifests {
		return nil, refuse("", "the image has more than %d manifests", maxManifests)
	}
	var w written
	if err := json.Unmarshal(raw, &w); err != nil {
		return nil, refuse("", "the manifest %s is not JSON: %v", digest, err)
	}
	n := node{digest: digest, raw: raw, subject: w.Subject}
	if index, ok := m.(v1.ImageIndex); ok {
		for _, d := range w.Manifests {
			child, err := childOf(index, d)
			if err != nil {
				return nil, fmt.Errorf("reading the manifest %s: %w", d.Digest, err)
			}
			if list, err = walk(child, list); err != nil {
				return nil, err
			}
		}
		return append(list, n), nil
	}
	if w.Config == nil {
		return nil, refuse("", "the manifest %s is neither an image nor an index", digest)
	}
	n.blobs = append([]v1.Descriptor{*w.Config}, w.Layers...)
	return append(list, n), nil
}

// childOf reads a manifest that an index names, and proves that it is the one.
func childOf(index v1.ImageIndex, d v1.Descriptor) (manifest, error) {
	var child manifest
	var err error
	switch {
	case d.MediaType.IsIndex():
		child, err = index.ImageIndex(d.Digest)
	case d.MediaType.IsImage():
		child, err = index.Image(d.Digest)
	default:
		return nil, refuse("", "%q is neither an image nor an index", d.MediaType)
	}
	if err != nil {
		return nil, err
	}
	raw, err := child.RawManifest()
	if err != nil {
		return nil, err
	}
	digest, size, err := v1.SHA256(bytes.NewReader(raw))
	if err == nil && (digest != d.Digest || size != d.Size) {
		err = refuse("", "the manifest %s has %d bytes of the digest %s", d.Digest, size, digest)
	}
	return child, err
}
