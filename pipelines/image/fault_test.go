package image

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// each request of a push, one after the other, is answered by a broken registry from
// there on: whatever the moment, no tag is left, and the next push is whole.
func TestARegistryThatBreaksHalfWayLeavesNoTag(t *testing.T) {
	b := built(t, nil)
	moments := 0
	for moment := int64(1); ; moment++ {
		r := serve(t, true)
		var count atomic.Int64
		r.when(func(w http.ResponseWriter, req *http.Request) bool {
			if count.Add(1) < moment {
				return false
			}
			http.Error(w, `{"errors":[{"code":"UNKNOWN","message":"broken"}]}`, http.StatusInternalServerError)
			return true
		})
		p := Push{Registry: quick, Layout: b.Layout, Repository: r.host + "/acme/orders", Tags: []string{"v1"}}
		_, err := p.Run(t.Context())
		if err == nil {
			break // it came to its end before this moment
		}
		moments++
		tagged := r.requests(http.MethodPut, "/manifests/v1") > 0
		r.when(nil)
		var known *pipelines.Error
		if !errors.As(err, &known) || !strings.Contains(known.Hint, "run it again") {
			t.Errorf("request %d: the error has no hint: %v", moment, err)
		}
		if _, err := quick.Resolve(t.Context(), r.host+"/acme/orders:v1"); !errors.Is(err, errNoTag) && !tagged {
			t.Errorf("request %d: a tag was left: %v", moment, err)
		}
		if again, err := p.Run(t.Context()); err != nil || again.Digest != b.Digest {
			t.Errorf("request %d: the next push: %v", moment, err)
		}
	}
	t.Logf("broken at each of %d requests", moments)
	if moments < 20 {
		t.Errorf("broken at %d moments only", moments)
	}
}

func TestThrottledIsTriedAgain(t *testing.T) {
	b := built(t, nil)
	r := serve(t, true)
	var mu sync.Mutex
	throttled := map[string]int{}
	r.when(func(w http.ResponseWriter, req *http.Request) bool { // the first two requests of each kind
		mu.Lock()
		defer mu.Unlock()
		if throttled[req.Method]++; throttled[req.Method] > 2 {
			return false
		}
		w.Header().Set("Retry-After", "0")
		http.Error(w, `{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}`, http.StatusTooManyRequests)
		return true
	})
	patient := quick
	patient.Backoff.Steps = 12 // one layer may meet all of them
	p := Push{Registry: patient, Layout: b.Layout, Repository: r.host + "/acme/orders", Tags: []string{"v1"}}
	if got, err := p.Run(t.Context()); err != nil || got.Digest != b.Digest || len(throttled) != 5 {
		t.Errorf("got %+v, %v, throttled %v", got, err, throttled)
	}
	r.when(func(w http.ResponseWriter, req *http.Request) bool {
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	_, err := p.Run(t.Context())
	var known *pipelines.Error
	if !errors.As(err, &known) || !strings.Contains(known.Hint, "throttles") {
		t.Errorf("always throttled: %v", err)
	}
	if tries := r.requests(http.MethodGet, ""); tries < patient.Backoff.Steps {
		t.Errorf("it gave up after %d tries", tries)
	}
}

func TestDeniedSaysToLogIn(t *testing.T) {
	r := serve(t, true)
	r.when(func(w http.ResponseWriter, req *http.Request) bool {
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	_, err := Push{Registry: quick, Layout: built(t, nil).Layout, Repository: r.host + "/acme/orders"}.Run(t.Context())
	var known *pipelines.Error
	if !errors.As(err, &known) || !strings.Contains(known.Hint, "docker login") {
		t.Errorf("got %v", err)
	}
	if tries := r.requests("", ""); tries > 3 {
		t.Errorf("asked %d times: that does not go away", tries)
	}
}

// What a registry gives back is not taken on trust.
func TestWhatIsReadBackIsCompared(t *testing.T) {
	cases := map[string]func(w http.ResponseWriter, r *http.Request, b *Built, layer string) bool{
		"another manifest": func(w http.ResponseWriter, r *http.Request, b *Built, _ string) bool {
			if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/manifests/"+b.Platforms[0].Digest) {
				return false
			}
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			_, _ = w.Write([]byte(`{"schemaVersion":2}`))
			return true
		},
		"a shorter blob": func(w http.ResponseWriter, r *http.Request, _ *Built, layer string) bool {
			if r.Method != http.MethodHead || !strings.HasSuffix(r.URL.Path, layer) {
				return false
			}
			w.Header().Set("Content-Length", "7")
			return true
		},
		"a tag that somebody else moves": func(w http.ResponseWriter, r *http.Request, _ *Built, _ string) bool {
			if !strings.HasSuffix(r.URL.Path, "/manifests/v1") || r.Method != http.MethodPut {
				return false
			}
			w.WriteHeader(http.StatusCreated) // and keeps what it had: nothing
			return true
		},
		"referrers that are not listed": func(w http.ResponseWriter, r *http.Request, _ *Built, _ string) bool {
			if !strings.Contains(r.URL.Path, "/referrers/") {
				return false
			}
			w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
			_, _ = w.Write([]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`))
			return true
		},
	}
	for name, lie := range cases {
		t.Run(name, func(t *testing.T) {
			r := serve(t, true)
			b := built(t, nil)
			layer := largest(t, b.Layout)
			r.when(func(w http.ResponseWriter, req *http.Request) bool { return lie(w, req, b, layer) })
			if _, err := (Push{Registry: quick, Layout: b.Layout, Repository: r.host + "/acme/orders", Tags: []string{"v1"}}).Run(t.Context()); err == nil {
				t.Error("it was taken for pushed")
			}
			r.when(nil)
			if _, err := quick.Resolve(t.Context(), r.host+"/acme/orders:v1"); !errors.Is(err, errNoTag) {
				t.Errorf("a tag was left: %v", err)
			}
		})
	}
}

func TestALayoutThatIsNotWholeIsNotSent(t *testing.T) {
	cases := map[string]func(t *testing.T, layout string){
		"a blob cut short": func(t *testing.T, layout string) { cut(t, blobOf(layout, largest(t, layout))) },
		"a blob that is gone": func(t *testing.T, layout string) {
			if err := os.Remove(blobOf(layout, largest(t, layout))); err != nil {
				t.Fatal(err)
			}
		},
		"an index that is gone": func(t *testing.T, layout string) {
			if err := os.Remove(filepath.Join(layout, "index.json")); err != nil {
				t.Fatal(err)
			}
		},
		"a manifest that was changed": func(t *testing.T, layout string) {
			text, err := os.ReadFile(filepath.Join(layout, "index.json"))
			if err != nil {
				t.Fatal(err)
			}
			_, after, _ := strings.Cut(string(text), `"digest":"sha256:`)
			cut(t, blobOf(layout, "sha256:"+after[:64]))
		},
	}
	for name, harm := range cases {
		t.Run(name, func(t *testing.T) {
			r := serve(t, true)
			layout := built(t, nil).Layout
			harm(t, layout)
			if _, err := (Push{Registry: quick, Layout: layout, Repository: r.host + "/acme/orders", Tags: []string{"v1"}}).Run(t.Context()); err == nil {
				t.Error("it was pushed")
			}
			if sent := r.requests("", ""); sent != 0 {
				t.Errorf("%d requests were sent before it was looked at", sent)
			}
		})
	}
}

func blobOf(layout, digest string) string {
	return filepath.Join(layout, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
}

func cut(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err == nil {
		_ = os.Chmod(file, 0o600)
		err = os.Truncate(file, info.Size()-1)
	}
	if err != nil {
		t.Fatal(err)
	}
}
