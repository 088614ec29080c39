package image

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// What is kept beside an image.
const (
	spdxType      = types.MediaType("application/spdx+json")
	statementType = types.MediaType("application/vnd.in-toto+json")
	envelopeType  = types.MediaType("application/vnd.dsse.envelope.v1+json")
)

// artifact is a manifest of one layer that refers to another manifest.
type artifact struct {
	raw     []byte
	content v1.Layer
}

// emptyConfig is the whole config of an artifact.
var emptyConfig = []byte("{}")

// newArtifact makes the manifest of content that refers to subject. Its type stands in
// artifactType and as that of the config, where older registries look for it.
func newArtifact(subject v1.Descriptor, media types.MediaType, content []byte, annotations map[string]string) (v1.Image, error) {
	config, _, err := v1.SHA256(bytes.NewReader(emptyConfig))
	if err != nil {
		return nil, err
	}
	layer := static.NewLayer(content, media)
	digest, err := layer.Digest()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: string(media),
		Config:      v1.Descriptor{MediaType: media, Digest: config, Size: int64(len(emptyConfig))},
		Layers:      []v1.Descriptor{{MediaType: media, Digest: digest, Size: int64(len(content))}},
		Subject:     &v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size},
		Annotations: annotations,
	})
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(&artifact{raw: raw, content: layer})
}

func (a *artifact) RawManifest() ([]byte, error)        { return a.raw, nil }
func (a *artifact) RawConfigFile() ([]byte, error)      { return emptyConfig, nil }
func (a *artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (a *artifact) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	if digest, err := a.content.Digest(); err != nil || digest != h {
		return nil, fmt.Errorf("the artifact has no layer %s", h)
	}
	return a.content, nil
}

// decode reads JSON of ours or of a builder.
func decode(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading JSON: %w", err)
	}
	return nil
}
