package forge

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// In the form of GitHub, over several pages: the latest of each name, and what is green.
func TestChecks(t *testing.T) {
	sha := strings.Repeat("a", 40)
	status := http.StatusOK
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		second := r.URL.Query().Get("page") == "2"
		if !second {
			w.Header().Set("Link", fmt.Sprintf(`<%s%s?page=2>; rel="next"`, server.URL, r.URL.Path))
		}
		switch {
		case r.URL.Path == "/repos/o/r/commits/"+sha+"/statuses" && !second:
			fmt.Fprint(w, `[{"id": 9, "context": "ci", "state": "success"}, {"id": 3, "context": "old", "state": "pending"}]`)
		case r.URL.Path == "/repos/o/r/commits/"+sha+"/statuses":
			fmt.Fprint(w, `[{"id": 2, "context": "ci", "state": "failure"}, {"id": 4, "context": "old", "status": "error", "target_url": "https://x/r/1/2"}]`)
		case r.URL.Path == "/repos/o/r/commits/"+sha+"/check-runs" && status != http.StatusOK:
			w.Header().Del("Link")
			http.Error(w, `{"message": "no"}`, status)
		case r.URL.Path == "/repos/o/r/commits/"+sha+"/check-runs" && !second:
			fmt.Fprint(w, `{"total_count": 4, "check_runs": [{"id": 1, "name": "a", "status": "completed", "conclusion": "success"}, {"id": 2, "name": "b", "status": "in_progress"}]}`)
		case r.URL.Path == "/repos/o/r/commits/"+sha+"/check-runs":
			fmt.Fprint(w, `{"total_count": 4, "check_runs": [{"id": 3, "name": "c", "status": "completed", "conclusion": "skipped"}, {"id": 4, "name": "d", "status": "completed", "conclusion": "cancelled"}]}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	f, err := Open(Options{Token: token, BaseURL: server.URL, Repository: "o/r"})
	if err != nil {
		t.Fatal(err)
	}
	said, err := f.Checks(t.Context(), sha)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range said {
		got = append(got, fmt.Sprint(s.Name, " ", s.State, " ", s.Green))
		if s.Name == "old" && (!s.Of("https://x/r/1") || s.Of("https://x/r/") != true || s.Of("https://x/r/11") || s.Of("")) {
			t.Errorf("%+v is of another run", s)
		}
	}
	if want := "a success true, b in_progress false, c skipped true, ci success true, d cancelled false, old error false"; strings.Join(got, ", ") != want {
		t.Errorf("got %s\nwant %s", strings.Join(got, ", "), want)
	}
	status = http.StatusForbidden // the token may not see them: nobody knows
	if _, err := f.Checks(t.Context(), sha); err == nil {
		t.Error("what may not be seen is not green")
	}
	status = http.StatusNotFound // a forge without them
	if said, err = f.Checks(t.Context(), sha); err != nil || len(said) != 2 {
		t.Errorf("got %v, %v", said, err)
	}
	if _, err := f.Checks(t.Context(), "main"); err == nil {
		t.Error("a branch is no commit")
	}
}
