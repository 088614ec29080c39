package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/image"
)

// trust is the configuration that says who attests and in which order: the base's,
// where there is one.
func (d *deploying) trust() *config.Config {
	if d.Service.Base != nil {
		return d.Service.Base
	}
	return d.Service.Config
}

// judgeImage finds the digest of the image, and whether the environment before has
// attested it.
func (d *deploying) judgeImage(ctx context.Context) (*pipelines.Report, error) {
	own := d.Service.Config.Service.Image
	if d.Image == "" {
		return nil, &pipelines.Error{Err: fmt.Errorf("deploying: there is no image"), Hint: "name one: --image " + own + "@sha256:... as docker-push printed it"}
	}
	resolved := d.Image
	if !strings.Contains(resolved, "@") {
		var err error
		if resolved, err = d.Registry.Resolve(ctx, d.Image); err != nil {
			return nil, err
		}
	}
	if repository, _, _ := strings.Cut(resolved, "@"); own != "" && repository != own {
		return nil, &pipelines.Error{Position: d.Service.Config.Service.Position, Hint: "promote the image to it with penstock image-promote, or change service.image",
			Err: fmt.Errorf("deploying %q: %w: the service's image is of %q", d.Image, image.ErrRefused, own)}
	}
	signers, err := image.SignersOf(d.trust())
	if err != nil {
		return nil, err
	}
	before, err := d.Registry.Gate(ctx, resolved, d.Service.Environment.Name, image.Order(d.trust()), signers)
	if err != nil {
		return nil, err
	}
	d.image = resolved
	reason := "it is the first environment: nothing has to be attested before"
	if before != nil {
		reason = fmt.Sprintf("attested in %q by %s", before.Environment, before.Signer)
	}
	return d.one(ImagePart, pipelines.Result{Verdict: pipelines.Pass, Reason: resolved + ": " + reason, Judged: map[string]int{"images": 1}}), nil
}

// digest is sha256:... of the image, "" where the part was left out.
func (d *deploying) digest() string {
	_, digest, _ := strings.Cut(d.image, "@")
	return digest
}

// attest signs beside the image that it was deployed here.
func (d *deploying) attest(ctx context.Context) (*pipelines.Report, error) {
	if d.image == "" || d.Key == "" {
		return d.one(AttestPart, pipelines.Result{Verdict: pipelines.Waived,
			Reason: "nothing is attested without --key: environments after " + d.Service.Environment.Name + " will not take this image"}), nil
	}
	key, err := capsule.ReadSigner(d.Key)
	if err != nil {
		return nil, err
	}
	facts := d.Facts
	facts.Service, facts.Bundle = d.Service.Config.Service.Name, d.Bundle.Version+"@"+d.Bundle.Digest
	attestation, err := d.Registry.Attest(ctx, d.image, d.Service.Environment.Name, facts, key)
	if err != nil {
		return nil, err
	}
	return d.one(AttestPart, pipelines.Result{Verdict: pipelines.Pass, Reason: "attested: " + attestation, Judged: map[string]int{"images": 1}}), nil
}
