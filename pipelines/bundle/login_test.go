package bundle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	oci "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// A private registry: with a login of docker's a bundle is published and pulled, without
// one and with another neither.
func TestPrivateRegistry(t *testing.T) {
	inner := oci.New()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ci" || password != "right" {
			w.Header().Set("WWW-Authenticate", `Basic realm="bundles"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	logIn := func(login string) {
		dir := t.TempDir()
		text := "{}"
		if login != "" {
			text = fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, base64.StdEncoding.EncodeToString([]byte(login)))
		}
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("DOCKER_CONFIG", dir)
	}
	key, public := newKey(t)
	p, address := packed(t, "1.2.0", key, sources), "oci://"+host+"/platform/bundle"
	for _, login := range []string{"", "ci:wrong"} {
		logIn(login)
		_, publishing := Publish(t.Context(), p, address)
		_, pulling := Pull(t.Context(), pinned(address, "1.2.0", "", public), cacheIn(t))
		for _, err := range []error{publishing, pulling} {
			var answer *transport.Error
			if !errors.As(err, &answer) || answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("with the login %q: %v", login, err)
			}
		}
	}
	logIn("ci:right")
	if _, err := Publish(t.Context(), p, address); err != nil {
		t.Fatal(err)
	}
	b, err := Pull(t.Context(), pinned(address, "1.2.0", "", public), cacheIn(t))
	if err != nil || b.Digest != p.Statement.Digest {
		t.Errorf("got %+v, %v", b, err)
	}
}
