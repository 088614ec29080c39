package capsule

import (
	"errors"

	"github.com/penstock-dev/penstock/pipelines/internal/refusal"
)

// ErrRefused is every refusal of this package: the capsule, the key or the
// approval was read and must not be used. Any other error says that something
// could not be read or written at all.
var ErrRefused = errors.New("refused")

// What a refusal is about, for errors.Is. The message of the error itself names
// both values.
var (
	ErrTruncated   = errors.New("the file ends early")
	ErrStructure   = errors.New("not laid out as a capsule")
	ErrJSON        = errors.New("not strict JSON")
	ErrManifest    = errors.New("a value that cannot be")
	ErrBinding     = errors.New("the parts do not belong together")
	ErrSigner      = errors.New("nobody known signed it")
	ErrSignature   = errors.New("the signature does not hold")
	ErrPayload     = errors.New("another payload")
	ErrExpired     = errors.New("expired")
	ErrFuture      = errors.New("made in the future")
	ErrFork        = errors.New("made from a fork")
	ErrUnverified  = errors.New("not verified")
	ErrRepository  = errors.New("another repository")
	ErrUnit        = errors.New("another unit")
	ErrEnvironment = errors.New("another environment")
	ErrClosure     = errors.New("another closure")
	ErrState       = errors.New("another state")
	ErrTerraform   = errors.New("another terraform")
	ErrLock        = errors.New("another dependency lock")
	ErrModules     = errors.New("other modules")
	ErrImages      = errors.New("other images")
	ErrPolicies    = errors.New("other policies")
	ErrDestroy     = errors.New("destroys or does not")
	ErrRecipient   = errors.New("not a recipient")
	ErrIdentity    = errors.New("no identity opens it")
	ErrKey         = errors.New("not a usable key")
	ErrMember      = errors.New("another member")
	ErrCapsule     = errors.New("another capsule")
	ErrAddresses   = errors.New("an address is not approved")
	ErrApprover    = errors.New("not an approver")
	ErrAuthor      = errors.New("the author approved")
)

func refuse(kind error, hint, format string, args ...any) error {
	return refusal.New(ErrRefused, kind, hint, format, args...)
}

// Next things to type, where several refusals share one.
const (
	hintPlan  = "plan the unit again"
	hintFetch = "fetch the capsule again; if it stays, plan the unit again"
	hintValue = "plan the unit again; if it stays, report it with this message"
	hintName  = "name members with letters, digits, dots, dashes and underscores"
	hintTrust = "do not use the capsule; find out who made it"
)
