package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// Publish publishes a bundle that was packed and signed. It never overwrites: the
// same version with the same digest is there already, which is fine and said, with
// another digest it is an ErrPublished. The version becomes visible last, and what
// a Publish left half is finished by the next.
func Publish(ctx context.Context, p *Packed, to string) (already bool, err error) {
	if err := p.publishable(ctx); err != nil {
		return false, fmt.Errorf("publishing version %q: %w", p.Statement.Version, err)
	}
	at, err := openPlace(ctx, to, ".", false)
	if err != nil {
		return false, err
	}
	if already, err = publish(ctx, p, at); err != nil {
		return false, fmt.Errorf("publishing version %q to %s: %w", p.Statement.Version, at, err)
	}
	return already, nil
}

func publish(ctx context.Context, p *Packed, at place) (already bool, err error) {
	there, err := at.find(ctx, p.Statement.Version)
	switch {
	case err == nil:
		already = true
		if err := p.sameAs(there); err != nil { // before anything is written
			return false, err
		}
	case !errors.Is(err, store.ErrNotFound):
		return false, err
	}
	if err := at.put(ctx, p); err != nil {
		return false, err
	}
	if already {
		return true, nil
	}
	if err := at.release(ctx, p); err != nil && !errors.Is(err, store.ErrExists) {
		return false, err
	} else if err != nil {
		already = true // by someone else, just now
	}
	if there, err = at.find(ctx, p.Statement.Version); err != nil {
		return false, fmt.Errorf("reading what was published: %w", err)
	}
	return already, p.sameAs(there)
}

// publishable says whether the parts belong together and are signed.
func (p *Packed) publishable(ctx context.Context) error {
	if p.Record == nil {
		return unsigned()
	}
	r, err := readRecord(p.Record)
	if err != nil {
		return err
	}
	if r.Statement != p.Statement || digestOf(p.SBOM) != p.Statement.SBOM {
		return refuse(ErrStatement, "pack it again", "the statement is not that of the archive and the SBOM beside it")
	}
	_, _, err = walk(ctx, p.Archive, &p.Statement, discard)
	return err
}

func unsigned() error {
	return refuse(ErrSigner, "pack it with penstock bundle pack --key", "it is not signed: there is no statement beside it")
}

func (p *Packed) sum() []byte {
	return fmt.Appendf(nil, "%s  %s\n", p.Statement.Digest[len("sha256:"):], Name(p.Statement.Version))
}

// Read reads an archive and the files beside it, as Write wrote them; path may be the
// directory that they are in, where there is one archive. It says that they are whole
// and belong together, not who made them: Verify does.
func Read(ctx context.Context, path string) (*Packed, error) {
	archive, err := theArchive(path)
	if err != nil {
		return nil, err
	}
	p, err := read(ctx, archive)
	if err != nil {
		return nil, fmt.Errorf("reading the bundle %q: %w", path, err)
	}
	return p, nil
}

func theArchive(path string) (string, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return path, nil // whoever reads it says what is wrong
	}
	found, err := fs.Glob(os.DirFS(path), Name("*"))
	if err == nil && len(found) != 1 {
		err = &pipelines.Error{Err: fmt.Errorf("reading the bundle in %q: there are %d archives, one was expected", path, len(found)),
			Hint: "name the archive, or pack into a directory of its own"}
	}
	if err != nil {
		return "", err
	}
	return filepath.Join(path, found[0]), nil
}

func read(ctx context.Context, path string) (*Packed, error) {
	p := &Packed{}
	for _, part := range []struct {
		end   string
		limit int64
		into  *[]byte
	}{{"", maxArchive, &p.Archive}, {sbomEnd, maxArchive, &p.SBOM}, {recordEnd, maxRecord, &p.Record}} {
		text, err := readLimited(path+part.end, part.limit)
		if part.end == recordEnd && errors.Is(err, fs.ErrNotExist) {
			err = unsigned()
		}
		if err != nil {
			return nil, err
		}
		*part.into = text
	}
	r, err := readRecord(p.Record)
	if err != nil {
		return nil, err
	}
	p.Statement = r.Statement
	p.Manifest, _, err = walk(ctx, p.Archive, &p.Statement, discard)
	if err == nil && digestOf(p.SBOM) != p.Statement.SBOM {
		err = refuse(ErrStatement, hintTrust, "the SBOM is %s, its statement is of %s", digestOf(p.SBOM), p.Statement.SBOM)
	}
	return p, err
}

func readLimited(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() { // a pipe would be waited for
		err = &pipelines.Error{Err: fmt.Errorf("%q is not a file", path), Hint: "give the archive that penstock bundle pack wrote"}
	}
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := limited(file, limit)
	if err == nil && int64(len(text)) > limit {
		err = refuse(ErrArchive, hintTrust, "%q has more than %d bytes", path, limit)
	}
	return text, err
}

// Verify says who of the signers signed a bundle: an archive with the files beside
// it, or a directory that was unpacked, every file of which is read again.
func Verify(ctx context.Context, path string, signers Signers) (*Bundle, error) {
	b, err := verify(ctx, path, signers)
	if err != nil {
		return nil, fmt.Errorf("verifying %q: %w", path, err)
	}
	return b, nil
}

func verify(ctx context.Context, path string, signers Signers) (*Bundle, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		b, r, err := unpackedAt(ctx, path)
		if err == nil {
			b.Signer, err = signers.name(r)
		}
		return b, err
	}
	p, err := read(ctx, path)
	if err != nil {
		return nil, err
	}
	r, err := readRecord(p.Record)
	if err != nil {
		return nil, err
	}
	b := &Bundle{Version: p.Manifest.Version, Digest: p.Statement.Digest, Manifest: p.Manifest}
	b.Signer, err = signers.name(r)
	return b, err
}

// Inspect reads what a bundle says of itself, without saying who made it: of an
// archive, with or without the files beside it, or of a directory as Open does.
func Inspect(ctx context.Context, path string) (*Bundle, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return Open(ctx, path)
	}
	archive, err := readLimited(path, maxArchive)
	if err == nil {
		var m Manifest
		if m, _, err = walk(ctx, archive, nil, discard); err == nil {
			return &Bundle{Version: m.Version, Digest: digestOf(archive), Manifest: m}, nil
		}
	}
	return nil, fmt.Errorf("reading the bundle %q: %w", path, err)
}
