package bundle

import (
	"errors"

	"github.com/penstock-dev/penstock/pipelines/internal/refusal"
)

// ErrRefused is every refusal of this package: something was read and must not be
// used or published. Any other error says that something could not be read or
// written at all.
var ErrRefused = errors.New("refused")

// What callers tell apart, with errors.Is; each is an ErrRefused too.
var (
	// ErrPublished says that the version is there already, with another content.
	ErrPublished = errors.New("the version is there already")
	// ErrSigner says that nobody known signed it, or that the signature does not hold.
	ErrSigner = errors.New("nobody known signed it")
	// ErrArchive says that the archive is not what Penstock packs.
	ErrArchive = errors.New("not laid out as a bundle")
	// ErrContent says that the content cannot be bundled, or is not what was bundled.
	ErrContent = errors.New("not the content of a bundle")
	// ErrStatement says that the statement is another's, or none.
	ErrStatement = errors.New("another statement")
)

func refuse(kind error, hint, format string, args ...any) error {
	return refusal.New(ErrRefused, kind, hint, format, args...)
}

// Next things to do, where several refusals share one.
const (
	hintTrust  = "do not use the bundle; find out who made it"
	hintSigner = "name who signs bundles in penstock.yaml (service.bundle.signers) or with --signer"
	hintKey    = "make one with penstock capsule keygen"
	hintMend   = "mend it in the bundle's directory and commit it"
)
