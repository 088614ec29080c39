package image

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gobwas/glob"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/oci"
)

// Push sends an OCI layout to a registry by its digest, reads it back, and gives it its
// tags last: what breaks in between leaves no tag.
type Push struct {
	Registry
	// Layout is the directory that docker-build wrote.
	Layout string
	// Repository is REGISTRY/REPOSITORY.
	Repository string
	// Tags to give. A tag that names another digest is refused, unless it is movable.
	Tags []string
	// Movable are globs of tags that may be moved, such as "main".
	Movable []string
}

// Pushed is an image that a registry has.
type Pushed struct {
	// Reference is REGISTRY/REPOSITORY@DIGEST: what everybody else is to use.
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
	// Tags that name it now, and Moved those of them that named another before.
	Tags  []string `json:"tags"`
	Moved []string `json:"moved,omitempty"`
	Proof Proof    `json:"read_back"`
}

// Run pushes. ErrRefused: the layout is not whole, or a tag would move.
func (p Push) Run(ctx context.Context) (*Pushed, error) {
	to, err := parseRepository(p.Repository)
	if err != nil {
		return nil, err
	}
	c, err := readLayout(p.Layout)
	if err != nil {
		return nil, fmt.Errorf("reading the layout %q: %w", p.Layout, err)
	}
	conn, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	pushed, err := conn.write(ctx, c, to, p.Tags, p.Movable)
	return pushed, doing(fmt.Sprintf("pushing to %q", p.Repository), err)
}

// write sends an image with all that belongs to it, proves that it came, and tags it.
func (c *connection) write(ctx context.Context, from contents, to name.Repository, tags, movable []string) (*Pushed, error) {
	list, err := from.nodes()
	if err != nil {
		return nil, err
	}
	plan, err := c.tags(ctx, to, tags, movable, from.digest.String())
	if err != nil {
		return nil, err // before anything is sent
	}
	if err := c.push.Push(ctx, to.Digest(from.digest.String()), from.root); err != nil {
		return nil, err
	}
	for _, r := range from.referrers {
		if err := c.attach(ctx, to, r); err != nil {
			return nil, err
		}
	}
	done := &Pushed{Reference: to.Name() + "@" + from.digest.String(), Digest: from.digest.String(), Tags: []string{}}
	if done.Proof, err = c.readBack(ctx, to, list); err != nil {
		return nil, err
	}
	for _, t := range plan {
		if err := c.tag(ctx, t, from, movable); err != nil {
			return nil, fmt.Errorf("tagging %q: %w", t.tag.TagStr(), err)
		}
		done.Tags = append(done.Tags, t.tag.TagStr())
		if t.before != "" && t.before != done.Digest {
			done.Moved = append(done.Moved, t.tag.TagStr())
		}
	}
	return done, nil
}

// attach pushes a referrer until the registry lists it. Where the list is a tag, one
// that somebody else writes at the same moment can lose ours.
func (c *connection) attach(ctx context.Context, to name.Repository, r manifest) error {
	digest, err := r.Digest()
	if err != nil {
		return err
	}
	list, err := walk(r, nil)
	if err != nil {
		return err
	}
	subject := list[len(list)-1].subject
	if subject == nil {
		return refuse("", "%s refers to nothing", digest)
	}
	ref := to.Digest(digest.String())
	if err := c.push.Push(ctx, ref, r); err != nil {
		return err
	}
	var lost *notListed
	for range 10 {
		if err = c.lists(to.Digest(subject.Digest.String()), digest); !errors.As(err, &lost) {
			return err
		}
		if err := c.push.Put(ctx, ref, r); err != nil { // which writes the list anew
			return err
		}
	}
	return err
}

// tagging is a tag to give, and the digest that it names before.
type tagging struct {
	tag    name.Tag
	before string
}

// tags looks what the tags name, and refuses to move one that may not be.
func (c *connection) tags(ctx context.Context, to name.Repository, tags, movable []string, digest string) ([]tagging, error) {
	var plan []tagging
	for _, text := range slices.Compact(slices.Sorted(slices.Values(tags))) {
		tag, err := parseTag(to, text)
		if err != nil {
			return nil, err
		}
		before, err := c.mayTag(ctx, tag, movable, digest)
		if err != nil {
			return nil, err
		}
		plan = append(plan, tagging{tag, before})
	}
	return plan, nil
}

func (c *connection) mayTag(ctx context.Context, tag name.Tag, movable []string, digest string) (before string, err error) {
	got, err := c.pull.Get(ctx, tag)
	if oci.Absent(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the tag %q: %w", tag.TagStr(), err)
	}
	before = got.Digest.String()
	may, err := matches(movable, tag.TagStr())
	if err != nil {
		return "", err
	}
	if before != digest && !may {
		return "", refuse("use a new tag, or declare this one movable: image.movable in penstock.yaml, or --movable",
			"the tag %q names %s already, and not %s", tag.TagStr(), before, digest)
	}
	return before, nil
}

// tag gives a tag and proves that it names the image. A registry cannot compare and
// swap: it is looked at once more right before, and read back after.
func (c *connection) tag(ctx context.Context, t tagging, from contents, movable []string) error {
	digest := from.digest.String()
	before, err := c.mayTag(ctx, t.tag, movable, digest)
	if err != nil {
		return err
	}
	if before != digest {
		if err := c.push.Put(ctx, t.tag, from.root); err != nil {
			return err
		}
	}
	got, err := c.pull.Get(ctx, t.tag)
	if err != nil {
		return fmt.Errorf("reading it back: %w", err)
	}
	if got.Digest.String() != digest {
		return refuse("find out who else pushes this tag", "it names %s right after it was given to %s", got.Digest, digest)
	}
	return nil
}

func matches(globs []string, text string) (bool, error) {
	for _, pattern := range globs {
		g, err := glob.Compile(pattern)
		if err != nil {
			return false, &pipelines.Error{Err: fmt.Errorf("reading the glob %q of movable tags: %w", pattern, err), Hint: "such as main, or pr-*"}
		}
		if g.Match(text) {
			return true, nil
		}
	}
	return false, nil
}
