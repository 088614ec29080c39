package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// place is where bundles are published: a directory or a bucket, or a registry.
type place interface {
	// find returns the signed statement of a version or of a digest.
	// store.ErrNotFound where there is none.
	find(ctx context.Context, versionOrDigest string) ([]byte, error)
	// open returns the archive with a digest.
	open(ctx context.Context, digest string) (io.ReadCloser, error)
	// put brings everything but the version; what is there already stays.
	put(ctx context.Context, p *Packed) error
	// release makes the version visible. store.ErrExists where it is there.
	release(ctx context.Context, p *Packed) error
	String() string
}

// openPlace opens what config.Bundle.From names; dir is what a relative directory
// is relative to. To read, a directory has to be there.
func openPlace(ctx context.Context, from, dir string, read bool) (place, error) {
	switch rest, oci := strings.CutPrefix(from, "oci://"); {
	case from == "":
		return nil, &pipelines.Error{Err: errors.New("opening the place of bundles: none is named"),
			Hint: "name one in penstock.yaml (service.bundle.from), or with --from or --to: a directory, s3://bucket/prefix or oci://registry/repository"}
	case oci:
		return openOCI(rest)
	case strings.Contains(from, "://") && !strings.HasPrefix(from, "file://"):
		s, err := store.Open(ctx, from)
		return objects{s, s}, err
	}
	where := strings.TrimPrefix(from, "file://")
	if !filepath.IsAbs(where) {
		where = filepath.Join(dir, where)
	}
	if read {
		root, err := os.OpenRoot(where)
		if err != nil {
			return nil, fmt.Errorf("opening the place of bundles %q: %w", from, err)
		}
		return objects{folder{root}, nil}, nil
	}
	s, err := store.Open(ctx, where)
	return objects{s, s}, err
}

// reader is what pulling needs of a store.
type reader interface {
	Read(ctx context.Context, name string) (io.ReadCloser, store.Version, error)
	String() string
}

// folder reads a directory that it may not be allowed to write to, as opening a
// store would.
type folder struct{ root *os.Root }

func (f folder) String() string { return f.root.Name() }

func (f folder) Read(_ context.Context, name string) (io.ReadCloser, store.Version, error) {
	info, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("reading %q in %s: %w", name, f, store.ErrNotFound)
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("reading %q in %s: it is not a file", name, f)
	}
	if err != nil {
		return nil, "", err
	}
	file, err := f.root.Open(name)
	return file, "", err
}

// objects keeps a bundle as objects: its parts under its digest, and under its
// version the statement, which comes last.
type objects struct {
	from reader
	to   store.Store // nil to read alone
}

func (o objects) String() string { return o.from.String() }

const archiveEnd = ".tar.gz"

func byVersion(version string) string { return "versions/" + version + ".json" }

func byDigest(digest, end string) string {
	return "bundles/" + strings.Replace(digest, ":", "-", 1) + end
}

func (o objects) find(ctx context.Context, versionOrDigest string) ([]byte, error) {
	name := byVersion(versionOrDigest)
	if digestForm.MatchString(versionOrDigest) {
		name = byDigest(versionOrDigest, archiveEnd+recordEnd)
	}
	return o.read(ctx, name, maxRecord)
}

func (o objects) read(ctx context.Context, name string, limit int64) ([]byte, error) {
	content, _, err := o.from.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return limited(content, limit)
}

// limited reads at most limit bytes and one: more is for the caller to refuse.
func limited(content io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(content, limit+1))
}

func (o objects) open(ctx context.Context, digest string) (io.ReadCloser, error) {
	content, _, err := o.from.Read(ctx, byDigest(digest, archiveEnd))
	return content, err
}

func (o objects) put(ctx context.Context, p *Packed) error {
	digest := p.Statement.Digest
	for _, part := range []struct {
		name string
		text []byte
	}{{byDigest(digest, archiveEnd), p.Archive}, {byDigest(digest, archiveEnd+sbomEnd), p.SBOM}, {byDigest(digest, archiveEnd+sumEnd), p.sum()}} {
		if err := o.keep(ctx, part.name, part.text); err != nil {
			return err
		}
	}
	name := byDigest(digest, archiveEnd+recordEnd)
	err := o.to.Create(ctx, name, bytes.NewReader(p.Record))
	if errors.Is(err, store.ErrExists) { // perhaps signed with another key: that one stays
		return o.same(ctx, digest, p)
	}
	return err
}

// keep creates an object; where there is one, it has to be this one.
func (o objects) keep(ctx context.Context, name string, text []byte) error {
	err := o.to.Create(ctx, name, bytes.NewReader(text))
	if !errors.Is(err, store.ErrExists) {
		return err
	}
	there, err := o.read(ctx, name, int64(len(text)))
	if err == nil && !bytes.Equal(there, text) {
		err = refuse(ErrPublished, "find out who wrote it, and take it away", "%q in %s is there and holds something else", name, o)
	}
	return err
}

func (o objects) same(ctx context.Context, versionOrDigest string, p *Packed) error {
	there, err := o.find(ctx, versionOrDigest)
	if err != nil {
		return err
	}
	return p.sameAs(there)
}

func (o objects) release(ctx context.Context, p *Packed) error {
	return o.to.Create(ctx, byVersion(p.Statement.Version), bytes.NewReader(p.Record))
}

// sameAs holds the record that is there to say the same as p's.
func (p *Packed) sameAs(record []byte) error {
	there, err := readRecord(record)
	if err == nil && there.Statement != p.Statement {
		err = refuse(ErrPublished, "publish it under a new version: what is published is never changed",
			"version %s is published with the digest %s, this one has %s", there.Statement.Version, there.Statement.Digest, p.Statement.Digest)
	}
	return err
}
