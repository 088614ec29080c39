package forge

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const token = "ghs_0123456789abcdefghijklmnopqrstuvwxyz"

type object = map[string]any

var (
	bot      = object{"login": "github-actions[bot]", "id": 41898282, "type": "Bot"}
	stranger = object{"login": "mallory", "id": 666, "type": "User"}
)

// hub is a server in GitHub's form: what it answers has the members, the statuses,
// the headers and the paging of the real one, as far as they are read here.
type hub struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	comments []object // of any issue; "number" says of which
	issues   []object
	checks   []object
	statuses []object
	fixed    map[string]string // path -> answer
	next     int
	// perPage is how many of a list are on one page.
	perPage int
	// asked is every request: "POST /repos/o/r/issues/7/comments".
	asked []string
	// faults are asked first, each until it says no more.
	faults []*fault
	waits  []time.Duration
}

// fault goes wrong on requests that match, times times.
type fault struct {
	match string
	times int
	do    func(w http.ResponseWriter, r *http.Request, real http.HandlerFunc)
}

func newHub(t *testing.T) *hub {
	h := &hub{t: t, perPage: 100, next: 1000, fixed: map[string]string{}}
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.Close)
	return h
}

// forge speaks to the hub and waits no time.
func (h *hub) forge() *Forge {
	h.t.Helper()
	f, err := Open(Options{Token: token, BaseURL: h.URL, Repository: "o/r"})
	if err != nil {
		h.t.Fatal(err)
	}
	f.wait = func(ctx context.Context, d time.Duration) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.waits = append(h.waits, d)
		return ctx.Err()
	}
	return f
}

// count is how many requests of a kind came.
func (h *hub) count(match string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, line := range h.asked {
		if regexp.MustCompile(match).MatchString(line) {
			n++
		}
	}
	return n
}

func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+token {
		h.say(w, 401, object{"message": "Bad credentials"})
		return
	}
	line := r.Method + " " + r.URL.RequestURI()
	h.mu.Lock()
	h.asked = append(h.asked, line)
	var hit *fault
	for _, f := range h.faults {
		if f.times > 0 && regexp.MustCompile(f.match).MatchString(line) {
			f.times--
			hit = f
			break
		}
	}
	h.mu.Unlock()
	if hit != nil {
		hit.do(w, r, h.real)
		return
	}
	h.real(w, r)
}

func (h *hub) real(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var in object
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&in)
	}
	path := strings.TrimPrefix(r.URL.Path, "/repos/o/r/")
	parts := strings.Split(path, "/")
	number := func(i int) int { n, _ := strconv.Atoi(parts[i]); return n }
	switch shape := r.Method + " " + regexp.MustCompile(`\b[0-9]+\b|[0-9a-f]{40}`).ReplaceAllString(path, "N"); shape {
	case "GET /user":
		h.say(w, 403, object{"message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest/users/users#get-the-authenticated-user"})
	case "POST /graphql":
		h.say(w, 200, object{"data": object{"viewer": object{"login": "github-actions[bot]", "databaseId": 41898282}}})
	case "GET issues/N/comments":
		h.page(w, r, only(h.comments, func(c object) bool { return c["number"] == number(1) }))
	case "POST issues/N/comments":
		h.say(w, 201, h.addComment(number(1), bot, in["body"].(string)))
	case "PATCH issues/comments/N":
		h.change(w, h.comments, "id", number(2), in)
	case "DELETE issues/comments/N":
		before := len(h.comments)
		h.comments = only(h.comments, func(c object) bool { return c["id"] != number(2) })
		if len(h.comments) == before {
			h.say(w, 404, object{"message": "Not Found"})
			return
		}
		w.WriteHeader(204)
	case "GET issues":
		h.page(w, r, only(h.issues, func(i object) bool { return len(i["labels"].([]object)) > 0 }))
	case "POST issues":
		h.say(w, 201, h.addIssue(bot, in["title"].(string), in["body"].(string), true))
	case "PATCH issues/N":
		h.change(w, h.issues, "number", number(1), in)
	case "POST check-runs":
		h.next++
		in["id"], in["html_url"], in["annotations"] = h.next, fmt.Sprintf("%s/o/r/runs/%d", h.URL, h.next), 0
		h.annotate(in, in)
		h.checks = append(h.checks, in)
		h.say(w, 201, in)
	case "PATCH check-runs/N":
		i := slices.IndexFunc(h.checks, func(c object) bool { return c["id"] == number(1) })
		h.annotate(h.checks[i], in)
		h.checks[i]["status"], h.checks[i]["conclusion"] = in["status"], in["conclusion"]
		h.say(w, 200, h.checks[i])
	case "GET check-runs/N":
		i := slices.IndexFunc(h.checks, func(c object) bool { return c["id"] == number(1) })
		h.say(w, 200, h.checks[i])
	case "GET commits/N/check-runs":
		h.say(w, 200, object{"total_count": len(h.checks), "check_runs": h.checks})
	case "POST statuses/N":
		h.next++
		in["id"] = h.next
		h.statuses = append(h.statuses, in)
		h.say(w, 201, in)
	default:
		if text, known := h.fixed[r.Method+" "+r.URL.Path]; known {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, text)
			return
		}
		h.say(w, 404, object{"message": "Not Found", "documentation_url": "https://docs.github.com/rest"})
	}
}

// annotate adds the annotations of a request, and refuses more than GitHub takes.
func (h *hub) annotate(run, in object) {
	out, _ := in["output"].(object)
	some, _ := out["annotations"].([]any)
	if len(some) > 50 {
		h.t.Errorf("%d annotations in one request", len(some))
	}
	run["annotations"] = run["annotations"].(int) + len(some)
	run["output"] = object{"title": out["title"], "summary": out["summary"], "annotations_count": run["annotations"]}
}

func (h *hub) addComment(number int, by object, body string) object {
	h.next++
	c := object{"id": h.next, "number": number, "user": by, "body": body, "html_url": fmt.Sprintf("%s/o/r/pull/%d#issuecomment-%d", h.URL, number, h.next)}
	h.comments = append(h.comments, c)
	return c
}

func (h *hub) addIssue(by object, title, body string, labelled bool) object {
	h.next++
	labels := []object{}
	if labelled {
		labels = append(labels, object{"id": 1, "name": DriftLabel})
	}
	i := object{"id": h.next, "number": h.next, "user": by, "title": title, "body": body, "state": "open", "labels": labels,
		"html_url": fmt.Sprintf("%s/o/r/issues/%d", h.URL, h.next)}
	h.issues = append(h.issues, i)
	return i
}

func (h *hub) change(w http.ResponseWriter, list []object, key string, id int, in object) {
	for _, one := range list {
		if one[key] == id {
			for k, v := range in {
				one[k] = v
			}
			h.say(w, 200, one)
			return
		}
	}
	h.say(w, 404, object{"message": "Not Found"})
}

func only(list []object, keep func(object) bool) []object {
	kept := []object{}
	for _, one := range list {
		if keep(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// page answers one page of a list, and names the next in the header as GitHub does.
func (h *hub) page(w http.ResponseWriter, r *http.Request, list []object) {
	n, _ := strconv.Atoi(r.URL.Query().Get("page"))
	n = max(n, 1)
	from, to := min((n-1)*h.perPage, len(list)), min(n*h.perPage, len(list))
	if to < len(list) {
		u := *r.URL
		q := u.Query()
		q.Set("page", strconv.Itoa(n+1))
		u.RawQuery = q.Encode()
		w.Header().Set("Link", fmt.Sprintf(`<%s%s>; rel="next"`, h.URL, u.String()))
	}
	h.say(w, 200, list[from:to])
}

func (h *hub) say(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		h.t.Error(err)
	}
}

// before answers without doing anything.
func before(status int, header http.Header, body string) func(http.ResponseWriter, *http.Request, http.HandlerFunc) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// after does what was asked and then answers something else.
func after(status int, body string) func(http.ResponseWriter, *http.Request, http.HandlerFunc) {
	return func(w http.ResponseWriter, r *http.Request, real http.HandlerFunc) {
		real(httptest.NewRecorder(), r)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// cut off does what was asked and then breaks the connection, before or within the answer.
func cutOff(within bool) func(http.ResponseWriter, *http.Request, http.HandlerFunc) {
	return func(w http.ResponseWriter, r *http.Request, real http.HandlerFunc) {
		real(httptest.NewRecorder(), r)
		if within {
			w.Header().Set("Content-Length", "500")
			w.WriteHeader(201)
			fmt.Fprint(w, `{"id": 1`)
			w.(http.Flusher).Flush()
		}
		panic(http.ErrAbortHandler)
	}
}
