package image

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// Gate says whether an image may be deployed to an environment: it may to the first of
// them, and to another when the one before attested this digest. environments are in
// the order in which a change goes through them (live.environments, as on the base). It
// returns the attestation of the one before, and nil for the first.
func (r Registry) Gate(ctx context.Context, reference, environment string, environments []string, signers Signers) (*Record, error) {
	i := slices.Index(environments, environment)
	if i < 0 {
		return nil, &pipelines.Error{Err: fmt.Errorf("deploying %q: %w: there is no environment %q, there are %s", reference, ErrEnvironment, environment, strings.Join(environments, ", ")),
			Hint: "name one of live.environments of penstock.yaml"}
	}
	if _, err := ParseDigest(reference); err != nil || i == 0 {
		return nil, err // a tag may be moved after it was judged: it is refused in the first one too
	}
	record, err := r.Attested(ctx, reference, environments[i-1], signers)
	if err != nil {
		return nil, fmt.Errorf("deploying to %q: %w", environment, err)
	}
	return record, nil
}
