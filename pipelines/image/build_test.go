package image

import "testing"

func TestTheSameBinariesGiveTheSameDigest(t *testing.T) {
	first, again := built(t, nil), built(t, nil)
	if first.Digest != again.Digest {
		t.Errorf("%s and %s", first.Digest, again.Digest)
	}
	for i, r := range first.Referrers {
		if again.Referrers[i] != r {
			t.Errorf("the referrer %s is %s the second time", r, again.Referrers[i])
		}
	}
	other := built(t, func(b *Build) { b.Labels.Version = "9" })
	if other.Digest == first.Digest {
		t.Error("another version has the same digest")
	}
}
