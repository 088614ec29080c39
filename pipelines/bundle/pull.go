package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/shelf"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// Options are where Pull reads and writes. The zero value of each is its default.
type Options struct {
	// Dir is what a relative directory in config.Bundle.From is relative to: that of
	// penstock.yaml. Default: the working directory.
	Dir string
	// Cache is where bundles are kept by digest. Default: penstock/bundles in the
	// user's cache, which XDG_CACHE_HOME moves.
	Cache string
}

// Pull returns the bundle that b pins by version or by digest, or by both: from the
// cache, where everything is read and judged again, or from where it is published.
// Nothing is unpacked before its digest and the signature of one of b.Signers hold.
// It is read-only on disk. Where b pins a digest that is in the cache, nothing is
// asked of the place.
func Pull(ctx context.Context, b config.Bundle, o Options) (*Bundle, error) {
	p, err := newPull(b, o)
	if err == nil {
		var pulled *Bundle
		if pulled, err = p.cached(ctx); err == nil {
			return pulled, nil
		}
	}
	return nil, failed(ctx, b, err)
}

// PullTo pulls a bundle into a directory of its own, which must not exist; what
// is not whole never has that name.
func PullTo(ctx context.Context, b config.Bundle, o Options, out string) (*Bundle, error) {
	p, err := newPull(b, o)
	if err == nil {
		var pulled *Bundle
		if pulled, err = p.into(ctx, out); err == nil {
			return pulled, nil
		}
	}
	return nil, failed(ctx, b, err)
}

func failed(ctx context.Context, b config.Bundle, err error) error {
	if stopped := ctx.Err(); stopped != nil {
		err = stopped // whatever came of it
	}
	return fmt.Errorf("pulling the bundle %q: %w", strings.TrimSpace(b.Version+" "+b.Digest), err)
}

type pull struct {
	config.Bundle
	Options
	signers Signers
}

func newPull(b config.Bundle, o Options) (*pull, error) {
	p := &pull{Bundle: b, Options: o}
	switch {
	case b.Version == "" && b.Digest == "":
		return nil, &pipelines.Error{Err: errors.New("neither a version nor a digest is given"), Hint: "pin one in penstock.yaml (service.bundle), or name it"}
	case b.Version != "" && !isVersion(b.Version):
		return nil, refuse(ErrContent, "give one like 1.4.0", "%q is not a version", b.Version)
	case b.Digest != "" && !digestForm.MatchString(b.Digest):
		return nil, refuse(ErrContent, "give sha256: and 64 hex digits", "%q is not a digest", b.Digest)
	}
	var err error
	if p.signers, err = ParseSigners(b.Signers); err == nil && len(p.signers) == 0 {
		err = refuse(ErrSigner, hintSigner, "nobody is trusted to sign bundles")
	}
	if err == nil && p.Cache == "" {
		if p.Cache, err = os.UserCacheDir(); err != nil {
			err = &pipelines.Error{Err: fmt.Errorf("looking for the user's cache: %w", err), Hint: "set XDG_CACHE_HOME or HOME"}
		}
		p.Cache = filepath.Join(p.Cache, "penstock", "bundles")
	}
	return p, err
}

// judge reads a record and says who signed it, and whether it is what was asked for:
// a place may answer with an older bundle, signed as well.
func (p *pull) judge(text []byte) (Record, string, error) {
	r, err := readRecord(text)
	if err != nil {
		return r, "", err
	}
	signer, err := p.signers.name(r)
	if err == nil && (p.Version != "" && r.Statement.Version != p.Version || p.Digest != "" && r.Statement.Digest != p.Digest) {
		err = refuse(ErrStatement, "pin the digest that was published: penstock bundle inspect shows it",
			"what is published there is version %s with the digest %s", r.Statement.Version, r.Statement.Digest)
	}
	return r, signer, err
}

// statement asks the place for the signed statement.
func (p *pull) statement(ctx context.Context) (place, Record, []byte, error) {
	at, err := openPlace(ctx, p.From, p.Dir, true)
	if err != nil {
		return nil, Record{}, nil, err
	}
	ref := p.Digest
	if ref == "" {
		ref = p.Version
	}
	text, err := at.find(ctx, ref)
	if errors.Is(err, store.ErrNotFound) {
		err = &pipelines.Error{Err: fmt.Errorf("%s is not published in %s", ref, at), Hint: "publish it with penstock bundle publish, or name another version or place"}
	}
	if err != nil {
		return nil, Record{}, nil, err
	}
	r, _, err := p.judge(text)
	return at, r, text, err
}

// archive fetches what a statement is about, and no byte more.
func archive(ctx context.Context, at place, s Statement) ([]byte, error) {
	content, err := at.open(ctx, s.Digest)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	stop := context.AfterFunc(ctx, func() { content.Close() })
	defer stop()
	text, err := limited(content, s.Size)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err == nil && digestOf(text) != s.Digest {
		err = refuse(ErrStatement, hintTrust, "what %s has for it has another digest, %s", at, digestOf(text))
	}
	return text, err
}

func (p *pull) cached(ctx context.Context) (*Bundle, error) {
	if p.Digest != "" {
		if b, err := p.kept(ctx, p.Digest); b != nil || ctx.Err() != nil {
			return b, err
		}
	}
	at, r, record, err := p.statement(ctx)
	if err != nil {
		return nil, err
	}
	digest := r.Statement.Digest
	if b, err := p.kept(ctx, digest); b != nil || ctx.Err() != nil {
		return b, err
	}
	text, err := archive(ctx, at, r.Statement)
	if err != nil {
		return nil, err
	}
	cache, err := shelf.Open(p.Cache, "*")
	if err != nil {
		return nil, err
	}
	there := func() (bool, error) {
		if b, err := p.kept(ctx, digest); b != nil || ctx.Err() != nil {
			return b != nil, err
		}
		return false, p.discard(digest) // what was changed there is of no use
	}
	if _, err := cache.Fill(ctx, there, func(into string) error {
		p.sweep(into)
		dir := filepath.Join(into, folderOf(digest))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		err := unpack(ctx, text, record, &r.Statement, dir)
		if err != nil {
			err = errors.Join(err, remove(dir))
		}
		return err
	}); err != nil {
		return nil, err
	}
	return p.kept(ctx, digest)
}

func folderOf(digest string) string { return strings.Replace(digest, ":", "-", 1) }

func (p *pull) folder(digest string) string {
	return filepath.Join(p.Cache, "kept", folderOf(digest))
}

// kept reads what is in the cache as if it had just been fetched. Nil and an error
// where there is nothing, or what cannot be used.
func (p *pull) kept(ctx context.Context, digest string) (*Bundle, error) {
	b, r, err := unpackedAt(ctx, p.folder(digest))
	if err != nil {
		return nil, err
	}
	record, err := encode(r)
	if err != nil {
		return nil, err
	}
	if _, b.Signer, err = p.judge(record); err != nil {
		return nil, err
	}
	if b.Digest != digest {
		return nil, refuse(ErrContent, hintPull, "the cache has %s where %s should be", b.Digest, digest)
	}
	if info, err := os.Stat(b.Dir); err != nil || info.Mode().Perm() == readOnlyDir {
		return b, err
	}
	return b, os.Chmod(b.Dir, readOnlyDir) // the last write to it
}

// discard takes what cannot be used out of the cache, under the shelf's lock.
func (p *pull) discard(digest string) error {
	dir := p.folder(digest)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return remove(dir)
}

// sweep removes what killed pulls left: whoever fetches is alone.
func (p *pull) sweep(mine string) {
	left, _ := filepath.Glob(filepath.Join(p.Cache, "new-*"))
	for _, dir := range slices.DeleteFunc(left, func(dir string) bool { return filepath.Base(dir) == filepath.Base(mine) }) {
		_ = remove(dir) // the next pull tries again
	}
}

func (p *pull) into(ctx context.Context, out string) (*Bundle, error) {
	if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
		return nil, &pipelines.Error{Err: errors.Join(fmt.Errorf("%q is there already", out), err), Hint: "name a directory that does not exist"}
	}
	at, r, record, err := p.statement(ctx)
	if err != nil {
		return nil, err
	}
	text, err := archive(ctx, at, r.Statement)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(out), "."+filepath.Base(out)+".new-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = remove(dir) }() // no longer there once it has its name
	if err := unpack(ctx, text, record, &r.Statement, dir); err != nil {
		return nil, err
	}
	if err := os.Rename(dir, out); err != nil {
		return nil, err
	}
	if err := os.Chmod(out, readOnlyDir); err != nil { // others may read it
		return nil, err
	}
	b, _, err := unpackedAt(ctx, out)
	if err == nil {
		b.Signer, err = p.signers.name(r)
	}
	return b, err
}
