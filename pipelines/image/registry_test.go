package image

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	ociserver "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// quick is a registry whose faults are waited for in milliseconds.
var quick = Registry{Backoff: remote.Backoff{Duration: time.Millisecond, Factor: 1, Steps: 4}}

// faulty is a real registry behind a hook that may answer in its place.
type faulty struct {
	host string
	mu   sync.Mutex
	// meddle answers a request itself and returns true, or leaves it to the registry.
	meddle func(w http.ResponseWriter, r *http.Request) bool
	seen   []string
}

func (f *faulty) when(meddle func(http.ResponseWriter, *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.meddle, f.seen = meddle, nil
}

// requests that came since the last when.
func (f *faulty) requests(method, part string) (count int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, line := range f.seen {
		if strings.HasPrefix(line, method+" ") && strings.Contains(line, part) {
			count++
		}
	}
	return count
}

// serve starts a registry of go-containerregistry on loopback.
func serve(t *testing.T, referrers bool) *faulty {
	t.Helper()
	f := &faulty{}
	real := ociserver.New(ociserver.Logger(log.New(io.Discard, "", 0)), ociserver.WithReferrersSupport(referrers))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.seen = append(f.seen, r.Method+" "+r.URL.Path)
		meddle := f.meddle
		f.mu.Unlock()
		if meddle != nil && meddle(w, r) {
			return
		}
		real.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.host = strings.TrimPrefix(server.URL, "http://")
	return f
}

var binaries = sync.OnceValues(func() (map[string]string, error) {
	dir, err := os.MkdirTemp("", "penstock-image-test-")
	if err != nil {
		return nil, err
	}
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\nfunc main() { println(\"orders\") }\n"), 0o600); err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, arch := range []string{"amd64", "arm64"} {
		out := filepath.Join(dir, arch)
		cmd := exec.Command("go", "build", "-trimpath", "-o", out, source)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=")
		if said, err := cmd.CombinedOutput(); err != nil {
			return nil, &exec.Error{Name: string(said), Err: err}
		}
		found["linux/"+arch] = out
	}
	return found, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if found, err := binaries(); err == nil {
		_ = os.RemoveAll(filepath.Dir(found["linux/amd64"]))
	}
	os.Exit(code)
}

var labels = Labels{Source: "https://user:s3cret@example.com/acme/orders.git", Revision: strings.Repeat("ab", 20), Version: "1.2.3", Title: "orders",
	Created: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}

// built is a layout of two platforms, made of real binaries.
func built(t *testing.T, change func(*Build)) *Built {
	t.Helper()
	files, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	b := Build{Out: filepath.Join(t.TempDir(), "layout"), Binaries: files, Labels: labels}
	if change != nil {
		change(&b)
	}
	got, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}
