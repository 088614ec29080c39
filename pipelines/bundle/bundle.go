// Package bundle packs what the platform gives to services (Terraform, charts and
// policies) into one archive that has the same digest wherever it is packed,
// publishes it once and for all, and pulls it: verified first, then unpacked.
package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/penstock-dev/penstock/pipelines"
)

// DevVersion is the version of a working copy.
const DevVersion = "dev"

// Bundle is a bundle to read from.
type Bundle struct {
	// Version, or DevVersion.
	Version string
	// Digest is that of the archive; of a working copy, that of the list of its files.
	Digest string
	// Dir is the directory on disk: read-only where the bundle was unpacked, and
	// without policies/ where it is a working copy. Empty where it is on no disk.
	Dir string
	// Signer is the name of who signed; empty unless Pull or Verify said so.
	Signer   string
	Manifest Manifest

	content fs.FS
}

// FS holds terraform/, charts/ and policies/.
func (b *Bundle) FS() fs.FS { return b.content }

// Open opens an unpacked bundle, whose files have to be those of its manifest, or
// a working copy of bundle/. It does not say who made it: Pull and Verify do.
func Open(ctx context.Context, dir string) (*Bundle, error) {
	_, err := os.Lstat(joined(dir, recordName))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(joined(dir, manifestName)); err == nil {
			return nil, fmt.Errorf("opening the bundle %q: %w", dir, refuse(ErrContent, "pull it again", "it has a manifest and no statement: it is not as it was unpacked"))
		}
		var b *Bundle
		if b, err = working(ctx, dir); err == nil {
			return b, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening the bundle %q: %w", dir, err)
	}
	b, _, err := unpackedAt(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("opening the bundle %q: %w", dir, err)
	}
	return b, nil
}

func working(ctx context.Context, dir string) (*Bundle, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, &pipelines.Error{Err: errors.Join(err, errors.New("it is not a directory")), Hint: "give the directory of a bundle"}
	}
	b, err := Source(ctx, os.DirFS(dir))
	if err == nil {
		b.Dir = dir
	}
	return b, err
}

// Source reads a working copy of bundle/, as it is now, into memory, with the
// policies of this program beside it: for development.
func Source(ctx context.Context, root fs.FS) (*Bundle, error) {
	c, err := fromFS(ctx, root)
	if err != nil {
		return nil, err
	}
	m, fsys, err := describe(c, Manifest{Version: DevVersion})
	if err != nil {
		return nil, err
	}
	text, err := encode(m.Files)
	if err != nil {
		return nil, err
	}
	return &Bundle{Version: DevVersion, Digest: digestOf(text), Manifest: m, content: fsys}, nil
}

// discard reads a file of an archive for its checksum alone.
func discard(_ File, content io.Reader) error {
	_, err := io.Copy(io.Discard, content)
	return err
}
