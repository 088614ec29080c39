package image

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/oci"
)

// Why an image does not count as attested. Each of them is ErrRefused too.
var (
	// ErrNone: nothing says that it was deployed there.
	ErrNone = errors.New("no attestation")
	// ErrSigner: who signed is not known.
	ErrSigner = errors.New("unknown signer")
	// ErrDigest: it was signed for another digest.
	ErrDigest = errors.New("another digest")
	// ErrTampered: it is not what was signed, or nothing that Attest writes.
	ErrTampered = errors.New("tampered")
)

// reasons in the order in which one of several is told: what comes later is more of a warning.
var reasons = []error{ErrNone, ErrSigner, ErrDigest, ErrTampered}

// Record is an attestation that counts.
type Record struct {
	Environment string `json:"environment"`
	// Signer is the name of who signed, Attestation the digest of the artifact.
	Signer      string `json:"signer"`
	Attestation string `json:"attestation"`
	Facts       Facts  `json:"facts"`
}

// Signers are the public keys of those who may attest, by name.
type Signers map[string]ed25519.PublicKey

// Attested returns the latest attestation that an image was deployed to an environment,
// signed by one of the signers. One that counts is enough, whatever else lies beside it:
// who may push could otherwise stop every deploy. Where none counts the error says of
// each that was found why.
func (r Registry) Attested(ctx context.Context, reference, environment string, signers Signers) (*Record, error) {
	ref, err := ParseDigest(reference)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("looking whether %q was attested in %q", reference, environment)
	if len(signers) == 0 {
		return nil, fmt.Errorf("%s: %w", what, refuse("name the public keys in live.signers of penstock.yaml, or with --signer", "%w: nobody is trusted", ErrSigner))
	}
	conn, err := r.connect(ctx)
	if err != nil {
		return nil, err
	}
	found, bad, err := conn.attestations(ctx, ref, signers)
	if err != nil {
		return nil, doing(what, err)
	}
	var best *Record
	var others []string
	for i, one := range found {
		if one.Environment != environment {
			others = append(others, one.Environment)
		} else if best == nil || one.Facts.Deployed.After(best.Facts.Deployed) {
			best = &found[i]
		}
	}
	if best != nil {
		return best, nil
	}
	return nil, fmt.Errorf("%s: %w", what, why(environment, others, bad))
}

// why tells the reason where no attestation counts.
func why(environment string, others []string, bad []error) error {
	hint := fmt.Sprintf("deploy this digest to %s first; its successful deploy is attested", environment)
	if len(bad) == 0 {
		said := "none of any environment"
		if slices.Sort(others); len(others) > 0 {
			said = "there are those of " + strings.Join(slices.Compact(others), ", ")
		}
		return refuse(hint, "%w: %s", ErrNone, said)
	}
	rank := func(err error) int {
		return slices.IndexFunc(reasons, func(reason error) bool { return errors.Is(err, reason) })
	}
	worst := slices.MaxFunc(bad, func(a, b error) int { return rank(a) - rank(b) })
	if len(bad) == 1 {
		return refuse(hint, "%w", worst)
	}
	return refuse(hint, "%w (%d attestations do not count)", worst, len(bad))
}

// maxAttestation is the largest attestation that is read, in bytes.
const maxAttestation = 1 << 20

// attestations reads all that is attested of an image: those that count, and why the
// others do not. An error is what kept it from being read.
func (c *connection) attestations(ctx context.Context, ref name.Digest, signers Signers) (found []Record, bad []error, err error) {
	list, err := c.referrers(ref)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range list {
		if d.ArtifactType != string(envelopeType) && d.ArtifactType != "" {
			continue // an SBOM, or what somebody else keeps there
		}
		one, err := c.attestation(ctx, ref, d, signers)
		switch {
		case errors.Is(err, errOther):
		case errors.Is(err, ErrRefused):
			bad = append(bad, fmt.Errorf("%s: %w", d.Digest, err))
		case err != nil:
			return nil, nil, fmt.Errorf("reading the attestation %s: %w", d.Digest, err)
		default:
			found = append(found, *one)
		}
	}
	return found, bad, nil
}

// errOther is an artifact that attests no deploy.
var errOther = errors.New("it is something else")

func (c *connection) attestation(ctx context.Context, ref name.Digest, d v1.Descriptor, signers Signers) (*Record, error) {
	got, err := c.pull.Get(ctx, ref.Context().Digest(d.Digest.String()))
	if oci.Absent(err) {
		return nil, refused(ErrTampered, "the registry lists it and does not have it")
	}
	if err != nil {
		return nil, err
	}
	var w written
	if err := decode(got.Manifest, &w); err != nil {
		return nil, refused(ErrTampered, "%v", err)
	}
	if w.ArtifactType != string(envelopeType) {
		return nil, errOther
	}
	if w.Subject == nil || w.Subject.Digest.String() != ref.DigestStr() {
		return nil, refused(ErrDigest, "the manifest refers to %s", subjectOf(w.Subject))
	}
	if len(w.Layers) != 1 || w.Layers[0].MediaType != envelopeType || w.Layers[0].Size > maxAttestation || got.MediaType != types.OCIManifestSchema1 {
		return nil, refused(ErrTampered, "the manifest is not one that penstock writes")
	}
	layer, err := c.pull.Layer(ctx, ref.Context().Digest(w.Layers[0].Digest.String()))
	if err != nil {
		return nil, err
	}
	text, err := blob(layer, maxAttestation) // whose digest is checked as it is read
	if err != nil {
		return nil, wrongBytes(err)
	}
	one, err := open(text, ref.DigestStr(), signers)
	if err != nil {
		return nil, err
	}
	one.Attestation = d.Digest.String()
	return one, nil
}

// wrongBytes tells what whoever may push can bring about, which must not keep another
// attestation from counting, from a registry that is broken.
func wrongBytes(err error) error {
	var answer *transport.Error
	gone := errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
	if gone || errors.Is(err, errTooLarge) || strings.Contains(err.Error(), "error verifying sha256") { // it has no type for it
		return refused(ErrTampered, "its content: %v", err)
	}
	return err
}

func subjectOf(d *v1.Descriptor) string {
	if d == nil {
		return "nothing"
	}
	return d.Digest.String()
}

func refused(reason error, format string, args ...any) error {
	return &pipelines.Error{Err: fmt.Errorf("%w: %w: %w", ErrRefused, reason, fmt.Errorf(format, args...))}
}
