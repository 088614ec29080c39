package oci

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func TestRepository(t *testing.T) {
	for text, want := range map[string]bool{"registry.example.com/shop/orders": true, "127.0.0.1:5000/orders": true, "orders": false, "shop/orders": false,
		"registry.example.com/shop/orders:1": false, "registry.example.com/Shop": false, "registry.example.com": false, "": false} {
		if repository, ok := Repository(text); ok != want || ok && repository.Name() != text {
			t.Errorf("%q: got %v, %t", text, repository, ok)
		}
	}
}

// Only the registry's own word says that there is none: a proxy's page does not.
func TestAbsent(t *testing.T) {
	for name, c := range map[string]struct {
		code int
		body string
		want bool
	}{
		"no such manifest":   {404, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`, true},
		"no such repository": {404, `{"errors":[{"code":"NAME_UNKNOWN"}]}`, true},
		"not found":          {404, `{"errors":[{"code":"NOT_FOUND"}]}`, true},
		"another reason":     {404, `{"errors":[{"code":"UNSUPPORTED"}]}`, false},
		"a page":             {404, `<html>Not Found</html>`, false},
		"nothing":            {404, ``, false},
		"not allowed":        {403, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`, false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" {
				return
			}
			w.WriteHeader(c.code)
			fmt.Fprint(w, c.body)
		}))
		repository, ok := Repository(strings.TrimPrefix(server.URL, "http://") + "/orders")
		if !ok {
			t.Fatalf("%s is no repository", server.URL)
		}
		_, err := remote.Get(repository.Tag("1"))
		if err == nil || Absent(err) != c.want {
			t.Errorf("%s: absent is %t for %v", name, Absent(err), err)
		}
		server.Close()
	}
	if Absent(nil) {
		t.Error("no error says that there is none")
	}
}
