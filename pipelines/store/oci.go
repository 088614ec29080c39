package store

import (
	"bytes"
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

	"github.com/penstock-dev/penstock/pipelines/internal/oci"
	"github.com/penstock-dev/penstock/pipelines/registries"
)

// registry keeps each object as an artifact of one layer in an OCI repository,
// under a tag that spells its name. A registry has no conditional writes: it is
// for objects that each have one writer, such as capsules.
type registry struct{ repository name.Repository }

const (
	objectType  = types.MediaType("application/vnd.penstock.object.v1")
	configType  = types.MediaType("application/vnd.penstock.object.config.v1+json")
	nameNote    = "dev.penstock.name"
	writeNote   = "dev.penstock.write"
	createdNote = "org.opencontainers.image.created"
)

func openOCI(rest string) (Store, error) {
	repository, ok := oci.Repository(rest)
	if !ok {
		return nil, unusable("oci://"+rest, "it is not registry/repository")
	}
	return &registry{repository: repository}, nil
}

func (r *registry) String() string { return "oci://" + r.repository.Name() }

// Exclusive tells why a lease cannot be kept here.
func (r *registry) Exclusive() error {
	return fmt.Errorf("%w: of two that create the same name in %s at the same time, both may succeed", ErrUnsupported, r)
}

func (r *registry) options(ctx context.Context) []remote.Option {
	return []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(registries.Keychain)}
}

// Create pushes the object if there is none, and looks whether it is the one that
// stayed. Two that push at the same moment may both be told that they succeeded.
func (r *registry) Create(ctx context.Context, object string, content io.ReadSeeker) error {
	tag, err := r.tag(object)
	if err != nil {
		return err
	}
	return doing("creating", object, r, r.create(ctx, tag, object, content))
}

func (r *registry) create(ctx context.Context, tag name.Tag, object string, content io.ReadSeeker) error {
	if _, err := r.manifest(ctx, tag, object); err == nil {
		return ErrExists
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return err
	}
	text, err := io.ReadAll(content) // it is sent again where the registry asks for it
	if err != nil {
		return err
	}
	mark := unique()
	image, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), configType),
		static.NewLayer(text, objectType))
	if err != nil {
		return err
	}
	notes := map[string]string{nameNote: object, writeNote: mark, createdNote: time.Now().UTC().Format(time.RFC3339Nano)}
	pushed := remote.Write(tag, mutate.Annotations(image, notes).(v1.Image), r.options(ctx)...)
	there, err := r.manifest(ctx, tag, object)
	switch {
	case err == nil && there.Annotations[writeNote] == mark:
		return nil
	case err == nil: // someone else's, whether the registry keeps tags as they are or we came first
		return ErrExists
	case pushed != nil:
		return pushed
	}
	return err
}

// manifest reads what a tag names. ErrNotFound where there is no such tag.
func (r *registry) manifest(ctx context.Context, tag name.Tag, object string) (*v1.Manifest, error) {
	got, err := remote.Get(tag, r.options(ctx)...)
	if oci.Absent(err) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	var m v1.Manifest
	if err := json.Unmarshal(got.Manifest, &m); err != nil {
		return nil, fmt.Errorf("its manifest: %w", err)
	}
	if len(m.Layers) != 1 || m.Layers[0].MediaType != objectType || m.Annotations[nameNote] != object {
		return nil, fmt.Errorf("the tag %q is not an object of penstock", tag.TagStr())
	}
	return &m, nil
}

// Read returns the layer, whose digest is checked as it is read.
func (r *registry) Read(ctx context.Context, object string) (io.ReadCloser, Version, error) {
	tag, err := r.tag(object)
	if err != nil {
		return nil, "", err
	}
	m, err := r.manifest(ctx, tag, object)
	if err != nil {
		return nil, "", doing("reading", object, r, err)
	}
	digest := m.Layers[0].Digest
	if m.Layers[0].Size == 0 { // some registries keep no empty blob
		return io.NopCloser(bytes.NewReader(nil)), Version(digest.String()), nil
	}
	layer, err := remote.Layer(r.repository.Digest(digest.String()), r.options(ctx)...)
	if err != nil {
		return nil, "", doing("reading", object, r, err)
	}
	content, err := layer.Compressed()
	return content, Version(digest.String()), doing("reading", object, r, err)
}

// Replace is not supported.
func (r *registry) Replace(_ context.Context, object string, _ []byte, _ Version) error {
	return doing("replacing", object, r, fmt.Errorf("%w: a registry cannot compare and swap", ErrUnsupported))
}

// Delete is not supported.
func (r *registry) Delete(_ context.Context, object string, _ Version) error {
	return doing("deleting", object, r, fmt.Errorf("%w: a registry cannot compare and swap", ErrUnsupported))
}

// List reads the tags, and the manifests of those that begin with the prefix.
// Modified is by the clock of whoever created the object: a registry tells none.
func (r *registry) List(ctx context.Context, prefix string) ([]Entry, error) {
	tags, err := remote.List(r.repository, r.options(ctx)...)
	if oci.Absent(err) {
		return nil, nil
	}
	var found []Entry
	for _, tag := range tags {
		object, ours := untag(tag)
		if !ours || !strings.HasPrefix(object, prefix) || err != nil {
			continue // other tags may lie beside them
		}
		var entry Entry
		entry, err = r.entry(ctx, r.repository.Tag(tag), object)
		found = append(found, entry)
	}
	if err != nil {
		return nil, doing("listing", prefix, r, err)
	}
	sortEntries(found)
	return found, nil
}

func (r *registry) entry(ctx context.Context, tag name.Tag, object string) (Entry, error) {
	m, err := r.manifest(ctx, tag, object)
	if err != nil {
		return Entry{}, err
	}
	created, err := time.Parse(time.RFC3339Nano, m.Annotations[createdNote])
	return Entry{Name: object, Size: m.Layers[0].Size, Modified: created}, err
}

// Now is not supported: see List.
func (r *registry) Now(context.Context) (time.Time, error) {
	return time.Time{}, fmt.Errorf("asking %s for its time: %w", r, ErrUnsupported)
}
