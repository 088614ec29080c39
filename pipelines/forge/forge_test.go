package forge

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-github/v88/github"
)

func TestOpenRefuses(t *testing.T) {
	for name, o := range map[string]Options{
		"no token":           {Repository: "o/r"},
		"two lines":          {Token: "a\nb", Repository: "o/r"},
		"no repository":      {Token: token},
		"a path":             {Token: token, Repository: "o/r/../x"},
		"dots":               {Token: token, Repository: "o/.."},
		"a query":            {Token: token, Repository: "o/r?x"},
		"in the clear":       {Token: token, Repository: "o/r", BaseURL: "http://forge.example/api/v3"},
		"password":           {Token: token, Repository: "o/r", BaseURL: "https://a:secret@forge.example"},
		"no host":            {Token: token, Repository: "o/r", BaseURL: "/api/v3"},
		"another protocol":   {Token: token, Repository: "o/r", BaseURL: "file:///etc/passwd"},
		"not readable":       {Token: token, Repository: "o/r", BaseURL: "https://a:secret@%zz"},
		"looks like a local": {Token: token, Repository: "o/r", BaseURL: "http://localhost.evil.example"},
	} {
		_, err := Open(o)
		if err == nil || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	env := map[string]string{"GITHUB_TOKEN": token, "GITHUB_REPOSITORY": "o/r", "GITHUB_API_URL": "https://ghe.example/api/v3"}
	o := FromEnvironment(func(k string) string { return env[k] })
	if o != (Options{Token: token, Repository: "o/r", BaseURL: "https://ghe.example/api/v3"}) {
		t.Errorf("got %+v", o)
	}
	f, err := Open(o)
	if err != nil || f.client.BaseURL() != "https://ghe.example/api/v3/" {
		t.Errorf("got %v, %v", f, err)
	}
}

func TestReadToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadToken(path); err != nil || got != token {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := ReadToken(path + "x"); err == nil {
		t.Error("there is no such file")
	}
}

// The token goes to one host, whoever says that the repository is elsewhere now.
func TestTokenStaysWithItsHost(t *testing.T) {
	var seen []string
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		fmt.Fprint(w, "[]")
	}))
	t.Cleanup(thief.Close)
	for _, code := range []int{301, 302, 307, 308} {
		h := newHub(t)
		h.faults = []*fault{{".", 100, before(code, http.Header{"Location": {thief.URL + "/user"}}, "")}}
		if _, err := h.forge().Approved(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "another host") {
			t.Errorf("%d: got %v", code, err)
		}
	}
	if len(seen) != 0 {
		t.Errorf("it was sent %q", seen)
	}
}

// A POST that is redirected by 301 or 302 becomes a GET, whose answer would read as
// though it had been done.
func TestMovedRepository(t *testing.T) {
	for code, done := range map[int]bool{301: false, 302: false, 307: true, 308: true} {
		h := newHub(t)
		h.faults = []*fault{{"POST /repos/o/r/issues/7/comments$", 1, before(code, http.Header{"Location": {"/repos/o/r/issues/7/comments?moved"}}, "")}}
		_, err := h.forge().Comment(t.Context(), 7, marker, "hello")
		if (err == nil) != done || len(h.bodies(7)) != map[bool]int{true: 1}[done] {
			t.Errorf("%d: got %v, %q", code, err, h.bodies(7))
		}
	}
}

func TestWhoWeAre(t *testing.T) {
	person := before(200, nil, `{"login":"anna","id":12,"type":"User"}`)
	for name, c := range map[string]struct {
		fault *fault
		want  author
	}{
		"a person":         {&fault{"GET /user", 1, person}, author{12, "anna"}},
		"a job":            {&fault{"nothing", 0, nil}, author{41898282, "github-actions[bot]"}},
		"without a number": {&fault{"POST /graphql", 1, before(200, nil, `{"data":{"viewer":{"login":"github-actions[bot]","databaseId":null}}}`)}, author{0, "github-actions[bot]"}},
		"nobody":           {&fault{"POST /graphql", 1, before(200, nil, `{"data":{"viewer":null},"errors":[{"message":"no"}]}`)}, author{}},
		"a bad token":      {&fault{"GET /user", 1, before(401, nil, `{"message":"Bad credentials"}`)}, author{}},
		"an empty person":  {&fault{"GET /user", 1, before(200, nil, `{}`)}, author{}},
		"GraphQL is ill":   {&fault{"POST /graphql", 2, before(502, nil, ``)}, author{41898282, "github-actions[bot]"}},
		"a page to log in": {&fault{"GET /user", 1, before(200, nil, `<html>`)}, author{}},
	} {
		h := newHub(t)
		h.faults = []*fault{c.fault}
		f := h.forge()
		got, err := f.self(t.Context())
		if got != c.want || (err == nil) != (c.want != author{}) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		if err != nil {
			continue
		}
		if _, err := f.self(t.Context()); err != nil || h.count("GET /user") != 1 {
			t.Errorf("%s: asked %d times, %v", name, h.count("GET /user"), err)
		}
	}
}

func TestAuthorIs(t *testing.T) {
	user := func(login string, id int64, kind string) *github.User {
		return &github.User{Login: &login, ID: &id, Type: &kind}
	}
	for _, c := range []struct {
		me   author
		user *github.User
		want bool
	}{
		{author{12, "anna"}, user("anna", 12, "User"), true},
		{author{12, "anna"}, user("renamed", 12, "User"), true},
		{author{12, "anna"}, user("anna", 13, "User"), false},
		{author{12, "anna"}, user("anna", 0, "User"), false},
		{author{12, "anna"}, nil, false},
		{author{}, nil, false},
		{author{}, &github.User{}, false},
		{author{}, user("", 0, ""), false},
		{author{0, "app"}, user("app[bot]", 5, "Bot"), true},
		{author{0, "app"}, user("app[bot]", 5, "User"), false},
		{author{0, "app[bot]"}, user("app[bot]", 5, "Bot"), true},
		{author{0, "app"}, user("apple", 5, "Bot"), false},
	} {
		if got := c.me.is(c.user); got != c.want {
			t.Errorf("%+v, %v: got %v", c.me, c.user, got)
		}
	}
}

// GraphQL may leave out the end of an app's name.
func TestAppIsKnownByEitherName(t *testing.T) {
	h := newHub(t)
	h.addComment(7, bot, marker+"\nold")
	h.faults = []*fault{{"POST /graphql", 100, before(200, nil, `{"data":{"viewer":{"login":"github-actions"}}}`)}}
	if w := comment(t, h.forge(), "new"); w.Done != Updated {
		t.Errorf("got %+v", w)
	}
}
