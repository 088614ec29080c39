package image

import (
	"context"
	"crypto"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"

	"github.com/penstock-dev/penstock/pipelines"
)

// Build makes the image of a service as an OCI layout: of binaries, of a layout that a
// builder (such as the Dagger engine) wrote, or of a Dockerfile by a builder on PATH. In
// each case it adds the labels, an SBOM for each platform, and the provenance.
type Build struct {
	// Out is the directory of the layout; it must be new or empty.
	Out string
	// Binaries are files by platform, such as "linux/arm64": an image from scratch each.
	Binaries map[string]string
	// FromLayout is a directory, or an uncompressed tar, of a layout that a builder wrote.
	FromLayout string
	// Dockerfile is built where neither of the two is given.
	Dockerfile Dockerfile
	// Labels of the image; Title is the name of the binary in it too. Default: "service".
	Labels Labels
	// Key signs the provenance. Without it the provenance is not signed.
	Key crypto.Signer
	// Builder is who builds, as the provenance says it. Default: BuilderID.
	Builder string
}

// BuilderID is who builds where nothing else is said.
const BuilderID = "https://github.com/penstock-dev/penstock/docker-build@v1"

// Built is an image in a layout.
type Built struct {
	Layout string `json:"layout"`
	// Digest of the index: what the image is called from here on.
	Digest    string            `json:"digest"`
	Platforms []BuiltPlatform   `json:"platforms"`
	Labels    map[string]string `json:"labels"`
	// Referrers are the digests of SBOMs and provenance beside it.
	Referrers []string `json:"referrers"`
	Signed    bool     `json:"provenance_signed"`
	Builder   string   `json:"builder"`
	Notes     []string `json:"notes,omitempty"`
}

// BuiltPlatform is the image of one platform.
type BuiltPlatform struct {
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
	// Packages that the SBOM names.
	Packages int `json:"packages"`
}

// Run builds. ErrBuilder: there is no builder that works here.
func (b Build) Run(ctx context.Context) (*Built, error) {
	if err := b.Labels.check(); err != nil {
		return nil, err
	}
	if b.Labels.Title == "" {
		b.Labels.Title = "service"
	}
	if len(b.Binaries) > 0 && b.FromLayout != "" {
		return nil, &pipelines.Error{Err: fmt.Errorf("building the image: binaries and a layout were given"), Hint: "give one or the other"}
	}
	images, materials, built, done, err := b.images(ctx)
	if err != nil {
		return nil, fmt.Errorf("building the image: %w", err)
	}
	defer done()
	if b.Builder != "" {
		built.Builder = b.Builder
	}
	if err := b.finish(images, materials, built); err != nil {
		return nil, fmt.Errorf("building the image: %w", err)
	}
	return built, nil
}

// images makes or reads the images of the platforms, and says what they were made from.
// What it keeps of them on disk stays until done is called.
func (b Build) images(ctx context.Context) (images []platformImage, from parameters, built *Built, done func(), err error) {
	built, done = &Built{Builder: BuilderID}, func() {}
	var root manifest
	switch {
	case len(b.Binaries) > 0:
		from = parameters{Kind: "binaries", Platforms: slices.Sorted(maps.Keys(b.Binaries))}
		if root, err = fromBinaries(b.Binaries, b.Labels.Title, b.Labels); err != nil {
			return nil, from, nil, done, err
		}
	case b.FromLayout != "":
		from = parameters{Kind: "layout"}
		if root, done, err = openLayout(b.FromLayout); err != nil {
			return nil, from, nil, done, fmt.Errorf("reading the layout %q: %w", b.FromLayout, err)
		}
	default:
		from = parameters{Kind: "dockerfile", Dockerfile: b.Dockerfile.file(), Target: b.Dockerfile.Target, Platforms: b.Dockerfile.Platforms}
		var name string
		if root, name, done, err = b.Dockerfile.build(ctx); err != nil {
			return nil, from, nil, done, err
		}
		built.Notes = append(built.Notes, "built by "+name)
	}
	images, left, err := platforms(root)
	if err != nil {
		done()
		return nil, from, nil, func() {}, err
	}
	if left > 0 {
		built.Notes = append(built.Notes, fmt.Sprintf("%d attestations of the builder were left out: they name digests from before the labels", left))
	}
	return images, from, built, done, nil
}

// finish adds labels, SBOMs and provenance, and writes the layout.
func (b Build) finish(images []platformImage, from parameters, built *Built) error {
	index, images, err := labelled(images, b.Labels)
	if err != nil {
		return err
	}
	root, err := partial.Descriptor(index)
	if err != nil {
		return err
	}
	c := contents{root: index, digest: root.Digest}
	built.Layout, built.Digest, built.Labels, built.Signed = b.Out, root.Digest.String(), b.Labels.annotations(), b.Key != nil
	subjects := []v1.Hash{root.Digest}
	for _, p := range images {
		d, err := partial.Descriptor(p.image)
		if err != nil {
			return err
		}
		subjects = append(subjects, d.Digest)
		packages, sbom, err := sbomOf(p, b.Labels)
		if err != nil {
			return fmt.Errorf("listing what is in the image of %s: %w", p.platform, err)
		}
		one, err := newArtifact(*d, spdxType, sbom, map[string]string{createdLabel: b.Labels.annotations()[createdLabel]})
		if err != nil {
			return err
		}
		c.referrers = append(c.referrers, one)
		built.Platforms = append(built.Platforms, BuiltPlatform{p.platform.String(), d.Digest.String(), packages})
	}
	made, err := b.provenance(*root, subjects, from, built.Builder)
	if err != nil {
		return err
	}
	c.referrers = append(c.referrers, made)
	for _, r := range c.referrers {
		built.Referrers = append(built.Referrers, digestOf(r))
	}
	slices.Sort(built.Referrers)
	if err := writeLayout(b.Out, c); err != nil {
		return fmt.Errorf("writing the layout %q: %w", b.Out, err)
	}
	return nil
}
