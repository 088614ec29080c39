package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/oci"
	"github.com/penstock-dev/penstock/pipelines/registries"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// registry keeps a bundle as one artifact: its archive, SBOM and statement are the
// layers. The tag archive-sha256-HEX comes first, the tag of the version last.
type registry struct{ repository name.Repository }

const (
	configType    = types.MediaType("application/vnd.penstock.bundle.config.v1+json")
	archiveType   = types.MediaType("application/vnd.penstock.bundle.v1.tar+gzip")
	statementType = types.MediaType("application/vnd.penstock.bundle.statement.v1+json")
	sbomType      = types.MediaType("application/spdx+json")
	titleNote     = "org.opencontainers.image.title"
	versionNote   = "org.opencontainers.image.version"
	revisionNote  = "org.opencontainers.image.revision"
)

func openOCI(rest string) (place, error) {
	repository, ok := oci.Repository(rest)
	if !ok {
		return nil, &pipelines.Error{Err: fmt.Errorf("opening the place of bundles %q: it is not registry/repository", "oci://"+rest),
			Hint: "give it as oci://registry.example.com/platform/bundle"}
	}
	return &registry{repository}, nil
}

func (r *registry) String() string { return "oci://" + r.repository.Name() }

func (r *registry) options(ctx context.Context) []remote.Option {
	return []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(registries.Keychain), remote.WithRetryBackoff(patience)}
}

// patience is how long a registry that answers 500 or the like is asked again:
// after 1, 3 and 9 seconds.
var patience = remote.Backoff{Duration: time.Second, Factor: 3, Jitter: 0.1, Steps: 4}

// tag begins with no digest: registries and their tools take sha256-HEX for what refers
// to the image with that digest.
func (r *registry) tag(versionOrDigest string) name.Tag {
	if digestForm.MatchString(versionOrDigest) {
		return r.repository.Tag("archive-" + strings.Replace(versionOrDigest, ":", "-", 1))
	}
	return r.repository.Tag(versionOrDigest)
}

func (r *registry) doing(verb, what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q in %s: %w", verb, what, r, err)
}

func (r *registry) find(ctx context.Context, versionOrDigest string) ([]byte, error) {
	text, err := r.statement(ctx, versionOrDigest)
	return text, r.doing("reading", versionOrDigest, err)
}

func (r *registry) statement(ctx context.Context, versionOrDigest string) ([]byte, error) {
	got, err := remote.Get(r.tag(versionOrDigest), r.options(ctx)...)
	if oci.Absent(err) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	var m v1.Manifest
	if err := json.Unmarshal(got.Manifest, &m); err != nil {
		return nil, fmt.Errorf("its manifest: %w", err)
	}
	for _, layer := range m.Layers {
		if layer.MediaType == statementType {
			content, err := r.blob(ctx, layer.Digest.String())
			if err != nil {
				return nil, err
			}
			defer content.Close()
			return limited(content, maxRecord)
		}
	}
	return nil, refuse(ErrStatement, hintTrust, "what is tagged %q in %s is not a bundle", r.tag(versionOrDigest).TagStr(), r)
}

func (r *registry) blob(ctx context.Context, digest string) (io.ReadCloser, error) {
	layer, err := remote.Layer(r.repository.Digest(digest), r.options(ctx)...)
	if err != nil {
		return nil, err
	}
	return layer.Compressed()
}

// open returns the archive, which is the layer with its digest.
func (r *registry) open(ctx context.Context, digest string) (io.ReadCloser, error) {
	content, err := r.blob(ctx, digest)
	return content, r.doing("reading", digest, err)
}

// image is the artifact; it is the same wherever the same bundle was signed with
// the same key.
func (p *Packed) image() (v1.Image, error) {
	image, err := mutate.Append(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), configType),
		p.layer(p.Archive, archiveType, ""), p.layer(p.SBOM, sbomType, sbomEnd), p.layer(p.Record, statementType, recordEnd))
	if err != nil {
		return nil, err
	}
	notes := map[string]string{versionNote: p.Statement.Version, revisionNote: p.Statement.Commit}
	return mutate.Annotations(image, notes).(v1.Image), nil
}

func (p *Packed) layer(text []byte, kind types.MediaType, end string) mutate.Addendum {
	return mutate.Addendum{Layer: static.NewLayer(text, kind), MediaType: kind,
		Annotations: map[string]string{titleNote: Name(p.Statement.Version) + end}}
}

func (r *registry) put(ctx context.Context, p *Packed) error {
	there, err := r.find(ctx, p.Statement.Digest)
	if err == nil { // a registry takes no tag before it has what that names
		return p.sameAs(there)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	image, err := p.image()
	if err != nil {
		return err
	}
	return r.doing("pushing", p.Statement.Digest, remote.Write(r.tag(p.Statement.Digest), image, r.options(ctx)...))
}

// release tags what put brought. A registry has no conditional writes: of two that
// release one version at the same moment the later wins, unless the registry keeps
// tags as they are; whoever lost is told when the version is read again.
func (r *registry) release(ctx context.Context, p *Packed) error {
	if _, err := r.find(ctx, p.Statement.Version); err == nil {
		return store.ErrExists
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	there, err := remote.Get(r.tag(p.Statement.Digest), r.options(ctx)...)
	if err == nil {
		err = remote.Tag(r.tag(p.Statement.Version), there, r.options(ctx)...)
	}
	return r.doing("tagging", p.Statement.Version, err)
}
