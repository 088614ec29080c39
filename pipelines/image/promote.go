package image

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/oci"
)

// Promote copies an image between registries, repositories or tags: all platforms, and
// all that refers to it or to one of them, such as SBOMs and attestations.
type Promote struct {
	Registry
	// From is REGISTRY/REPOSITORY with a tag or, better, a digest.
	From string
	// To is REGISTRY/REPOSITORY, with the tag to give or without one.
	To string
	// Movable are globs of tags that may be moved.
	Movable []string
}

// Promoted is an image that was copied.
type Promoted struct {
	// From and To name the same digest: it was read before the copy at the one, and
	// after it at the other and once more at the one.
	From   string `json:"from"`
	To     string `json:"to"`
	Digest string `json:"digest"`
	// Pushed is what the target has now.
	Pushed Pushed `json:"pushed"`
}

// Run promotes. ErrRefused: the target's tag names another digest, or what was read
// back is not what was read.
func (p Promote) Run(ctx context.Context) (*Promoted, error) {
	from, err := parseAny(p.From)
	if err != nil {
		return nil, err
	}
	to, err := parseAny(p.To)
	if err != nil {
		return nil, err
	}
	if _, digest := to.(name.Digest); digest {
		return nil, &pipelines.Error{Err: fmt.Errorf("reading %q: %w to copy to: a digest is not chosen", p.To, ErrReference), Hint: "give REGISTRY/REPOSITORY or REGISTRY/REPOSITORY:TAG"}
	}
	conn, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	done, err := conn.promote(ctx, from, to, p.Movable)
	return done, doing(fmt.Sprintf("promoting %q to %q", p.From, p.To), err)
}

func (c *connection) promote(ctx context.Context, from, to name.Reference, movable []string) (*Promoted, error) {
	image, err := c.read(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", from, err)
	}
	var tags []string
	if tag, ok := to.(name.Tag); ok {
		tags = []string{tag.TagStr()}
	}
	pushed, err := c.write(ctx, image, to.Context(), tags, movable)
	if err != nil {
		return nil, err
	}
	again, err := c.pull.Get(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("reading %q again: %w", from, err)
	}
	if again.Digest != image.digest || pushed.Digest != image.digest.String() {
		return nil, refuse("promote it by its digest", "%s named %s before the copy and %s after it", from, image.digest, again.Digest)
	}
	return &Promoted{From: from.Context().Name() + "@" + pushed.Digest, To: pushed.Reference, Digest: pushed.Digest, Pushed: *pushed}, nil
}

// read reads an image from a registry, with all that belongs to it.
func (c *connection) read(ctx context.Context, from name.Reference) (contents, error) {
	got, err := c.pull.Get(ctx, from)
	if err != nil {
		return contents{}, err
	}
	image := contents{digest: got.Digest}
	switch {
	case got.MediaType.IsIndex():
		image.root, err = got.ImageIndex()
	case got.MediaType.IsImage():
		image.root, err = got.Image()
	default:
		err = refuse("", "%q is neither an image nor an index", got.MediaType)
	}
	if err != nil {
		return contents{}, err
	}
	list, err := walk(image.root, nil)
	if err != nil {
		return contents{}, err
	}
	seen := map[v1.Hash]bool{}
	for _, n := range list {
		if err := c.collect(ctx, from.Context(), n.digest, seen, &image); err != nil {
			return contents{}, err
		}
	}
	return image, nil
}

// collect adds what refers to a digest, and what refers to that: a signature of an SBOM.
// It is added before what refers to it.
func (c *connection) collect(ctx context.Context, from name.Repository, digest v1.Hash, seen map[v1.Hash]bool, image *contents) error {
	list, err := c.referrers(from.Digest(digest.String()))
	if err != nil {
		return err
	}
	for _, d := range list {
		if seen[d.Digest] {
			continue
		}
		if seen[d.Digest] = true; len(seen) > maxManifests {
			return refuse("", "more than %d manifests refer to the image", maxManifests)
		}
		got, err := c.pull.Get(ctx, from.Digest(d.Digest.String()))
		if err != nil {
			return fmt.Errorf("reading %s, which refers to %s: %w", d.Digest, digest, err)
		}
		if !got.MediaType.IsImage() {
			return refuse("", "%s, which refers to %s, is a %q", d.Digest, digest, got.MediaType)
		}
		one, err := got.Image()
		if err != nil {
			return err
		}
		var w written
		if err := decode(got.Manifest, &w); err != nil {
			return err
		}
		if w.Subject == nil || w.Subject.Digest != digest {
			continue // a list that anybody may write says so; the manifest itself does not
		}
		image.referrers = append(image.referrers, one)
		if err := c.collect(ctx, from, d.Digest, seen, image); err != nil {
			return err
		}
	}
	return nil
}

// Resolve returns REGISTRY/REPOSITORY@DIGEST of what a tag names.
func (r Registry) Resolve(ctx context.Context, text string) (string, error) {
	ref, err := parseAny(text)
	if err != nil {
		return "", err
	}
	if d, ok := ref.(name.Digest); ok {
		return d.Name(), nil
	}
	conn, err := r.connect(ctx)
	if err != nil {
		return "", err
	}
	got, err := conn.pull.Get(ctx, ref)
	if oci.Absent(err) {
		return "", &pipelines.Error{Err: fmt.Errorf("resolving %q: %w", text, errNoTag), Hint: "push it with penstock docker-push"}
	}
	if err != nil {
		return "", doing(fmt.Sprintf("resolving %q", text), err)
	}
	return ref.Context().Name() + "@" + got.Digest.String(), nil
}

var errNoTag = errors.New("there is no such tag")
