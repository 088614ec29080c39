package image

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestPromoteBetweenTwoRegistries(t *testing.T) {
	for _, api := range [][2]bool{{true, true}, {true, false}, {false, true}, {false, false}} {
		from, to := serve(t, api[0]), serve(t, api[1])
		p := pushed(t, from)
		key, signers := keyed(t)
		if _, err := quick.Attest(t.Context(), p.Reference, "dvlp", Facts{Service: "orders"}, key); err != nil {
			t.Fatal(err)
		}
		one := Promote{Registry: quick, From: p.Reference, To: to.host + "/live/orders:1.2.3"}
		got, err := one.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// an index, two images, two SBOMs, the provenance and the attestation
		if got.Digest != p.Digest || got.Pushed.Proof.Manifests != 7 || got.Pushed.Proof.Referrers != 4 {
			t.Errorf("referrers API %v: got %+v", api, got)
		}
		if _, err := quick.Attested(t.Context(), got.To, "dvlp", signers); err != nil {
			t.Errorf("the attestation did not come along: %v", err)
		}
		if tagged, err := quick.Resolve(t.Context(), one.To); err != nil || tagged != got.To {
			t.Errorf("the tag names %q, %v", tagged, err)
		}
		if _, err := one.Run(t.Context()); err != nil {
			t.Errorf("promoted again: %v", err)
		}
		other, err := Push{Registry: quick, Layout: built(t, func(b *Build) { b.Labels.Version = "2" }).Layout, Repository: from.host + "/acme/orders"}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		one.From = other.Reference
		if _, err := one.Run(t.Context()); !errors.Is(err, ErrRefused) {
			t.Errorf("a tag of the target was moved: %v", err)
		}
		if tagged, err := quick.Resolve(t.Context(), one.To); err != nil || tagged != got.To {
			t.Errorf("after a refusal the tag names %q, %v", tagged, err)
		}
		one.Movable = []string{"1.*"}
		if moved, err := one.Run(t.Context()); err != nil || len(moved.Pushed.Moved) != 1 {
			t.Errorf("a movable tag: %+v, %v", moved, err)
		}
	}
}

func TestPromoteToATagOfTheSameRepository(t *testing.T) {
	r := serve(t, true)
	p := pushed(t, r)
	got, err := Promote{Registry: quick, From: p.Reference, To: r.host + "/acme/orders:stable"}.Run(t.Context())
	if err != nil || got.To != p.Reference || len(got.Pushed.Tags) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWhatASourceLiesAboutIsNotPromoted(t *testing.T) {
	cases := map[string]func(p *Pushed, layer string) func(http.ResponseWriter, *http.Request) bool{
		"a truncated blob": func(_ *Pushed, layer string) func(http.ResponseWriter, *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, layer) {
					return false
				}
				_, _ = w.Write([]byte("\x1f\x8b short"))
				return true
			}
		},
		"another manifest than the digest": func(p *Pushed, _ string) func(http.ResponseWriter, *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, p.Digest) || strings.Contains(r.URL.Path, "referrers") {
					return false
				}
				w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
				_, _ = w.Write([]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`))
				return true
			}
		},
		"no list of referrers": func(*Pushed, string) func(http.ResponseWriter, *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/referrers/") {
					return false
				}
				http.Error(w, "", http.StatusInternalServerError)
				return true
			}
		},
	}
	for name, lie := range cases {
		t.Run(name, func(t *testing.T) {
			from, to := serve(t, true), serve(t, true)
			b := built(t, nil)
			p, err := Push{Registry: quick, Layout: b.Layout, Repository: from.host + "/acme/orders"}.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			from.when(lie(p, largest(t, b.Layout)))
			if _, err := (Promote{Registry: quick, From: p.Reference, To: to.host + "/live/orders:1"}).Run(t.Context()); err == nil {
				t.Fatal("it was promoted")
			}
			if _, err := quick.Resolve(t.Context(), to.host+"/live/orders:1"); !errors.Is(err, errNoTag) {
				t.Errorf("it left a tag: %v", err)
			}
		})
	}
}

// largest is the digest of the largest blob of a layout: a layer.
func largest(t *testing.T, layout string) string {
	t.Helper()
	entries, err := os.ReadDir(layout + "/blobs/sha256")
	if err != nil {
		t.Fatal(err)
	}
	var name string
	var size int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Size() > size {
			name, size = e.Name(), info.Size()
		}
	}
	return "sha256:" + name
}

// The lab's registry is a real one of another make, without the referrers API.
func TestAnotherMakeOfRegistry(t *testing.T) {
	const host = "localhost:5000"
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get("http://" + host + "/v2/")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Skipf("SKIPPED: no registry on %s: %v", host, err)
	}
	_ = answer.Body.Close()
	unique := strings.ToLower(strings.NewReplacer(":", "", "-", "", ".", "").Replace(time.Now().UTC().Format("20060102-150405.000000000")))
	b := built(t, func(b *Build) { b.Labels.Version = unique })
	p, err := Push{Registry: quick, Layout: b.Layout, Repository: host + "/penstock-test/orders", Tags: []string{unique}}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, signers := keyed(t)
	if _, err := quick.Attest(t.Context(), p.Reference, "dvlp", Facts{}, key); err != nil {
		t.Fatal(err)
	}
	got, err := Promote{Registry: quick, From: p.Reference, To: host + "/penstock-test/live:" + unique}.Run(t.Context())
	if err != nil || got.Digest != b.Digest || got.Pushed.Proof.Referrers != 4 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := quick.Gate(t.Context(), got.To, "pprd", []string{"dvlp", "pprd"}, signers); err != nil {
		t.Error(err)
	}
}
