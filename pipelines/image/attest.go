package image

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/penstock-dev/penstock/pipelines"
)

// DeployedType is the predicate of an attestation that an image was deployed.
const DeployedType = "https://github.com/penstock-dev/penstock/deployed/v1"

// Facts are what is attested of a deploy that succeeded. Everybody who may read the
// image may read them: none is a secret.
type Facts struct {
	// Service is its name.
	Service string `json:"service,omitempty"`
	// Commit that the release was made from.
	Commit string `json:"commit,omitempty"`
	// Bundle is the version and the digest of the platform's bundle.
	Bundle string `json:"bundle,omitempty"`
	// Release is the revision of the release in the cluster, such as shop/orders#12.
	Release string `json:"release,omitempty"`
	// Actor deployed it, in Run.
	Actor string `json:"actor,omitempty"`
	Run   string `json:"run,omitempty"`
	// Deployed is when it succeeded. Default: now.
	Deployed time.Time `json:"deployed"`
}

// deployed is the predicate: it says the environment in the signed part.
type deployed struct {
	Environment string `json:"environment"`
	Facts
}

var environmentForm = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// Attest signs that an image was deployed to an environment and keeps that beside the
// image, where it is promoted with it. reference is REGISTRY/REPOSITORY@DIGEST. It
// returns the digest of the attestation, which the registry was seen to list.
func (r Registry) Attest(ctx context.Context, reference, environment string, facts Facts, key crypto.Signer) (string, error) {
	ref, err := ParseDigest(reference)
	if err != nil {
		return "", err
	}
	if !environmentForm.MatchString(environment) {
		return "", &pipelines.Error{Err: fmt.Errorf("attesting %q: %w: %q is not a name", reference, ErrEnvironment, environment), Hint: "such as dvlp"}
	}
	if facts.Deployed.IsZero() {
		facts.Deployed = time.Now()
	}
	facts.Deployed = facts.Deployed.UTC().Truncate(time.Second)
	conn, err := r.connect(ctx)
	if err != nil {
		return "", err
	}
	what := fmt.Sprintf("attesting %q in %q", reference, environment)
	got, err := conn.pull.Get(ctx, ref)
	if err != nil {
		return "", doing(what, err)
	}
	if sum, _, err := v1.SHA256(bytes.NewReader(got.Manifest)); err != nil || sum.String() != ref.DigestStr() {
		return "", refuse("", "%s: the registry gives the digest %s", what, sum)
	}
	text, err := json.Marshal(newStatement(DeployedType, ref.Context().Name(), []v1.Hash{got.Digest}, deployed{environment, facts}))
	if err != nil {
		return "", err
	}
	if text, err = seal(text, key); err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	one, err := newArtifact(got.Descriptor, envelopeType, text, map[string]string{predicateNote: DeployedType, environmentNote: environment,
		createdLabel: facts.Deployed.Format(time.RFC3339)})
	if err != nil {
		return "", err
	}
	if err := conn.attach(ctx, ref.Context(), one); err != nil {
		return "", doing(what, err)
	}
	return digestOf(one), nil
}

// environmentNote says for people which environment it is; what is judged is what was signed.
const environmentNote = "dev.penstock.environment"
