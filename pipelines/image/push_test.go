package image

import (
	"errors"
	"testing"
)

func TestPushByDigestAndTag(t *testing.T) {
	for _, referrers := range []bool{true, false} {
		r := serve(t, referrers)
		b := built(t, nil)
		p := Push{Registry: quick, Layout: b.Layout, Repository: r.host + "/acme/orders", Tags: []string{"v1", "main"}, Movable: []string{"main"}}
		got, err := p.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Digest != b.Digest || got.Reference != r.host+"/acme/orders@"+b.Digest || len(got.Tags) != 2 {
			t.Errorf("got %+v", got)
		}
		// an index, two images, two SBOMs and the provenance
		if got.Proof.Manifests != 6 || got.Proof.Referrers != 3 {
			t.Errorf("referrers API %v: read back %+v", referrers, got.Proof)
		}
		if again, err := p.Run(t.Context()); err != nil || again.Digest != got.Digest || len(again.Moved) != 0 {
			t.Errorf("pushed again: %+v, %v", again, err)
		}
		other := built(t, func(b *Build) { b.Labels.Version = "1.2.4" })
		p.Layout = other.Layout
		if _, err := p.Run(t.Context()); !errors.Is(err, ErrRefused) {
			t.Errorf("a tag that is not movable was moved: %v", err)
		}
		p.Tags = []string{"main"}
		if got, err := p.Run(t.Context()); err != nil || len(got.Moved) != 1 {
			t.Errorf("a movable tag: %+v, %v", got, err)
		}
	}
}
