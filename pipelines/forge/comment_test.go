package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

const marker = "<!-- penstock:plan -->"

// bodies of ours on a pull request.
func (h *hub) bodies(number int) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []string
	for _, c := range h.comments {
		if c["number"] == number && c["user"].(object)["login"] == bot["login"] {
			all = append(all, c["body"].(string))
		}
	}
	return all
}

func comment(t *testing.T, f *Forge, body string) Written {
	t.Helper()
	w, err := f.Comment(t.Context(), 7, marker, body)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCommentIsCreatedUpdatedAndLeftAlone(t *testing.T) {
	h := newHub(t)
	f := h.forge()
	if w := comment(t, f, "one"); w.Done != Created || !strings.Contains(w.URL, "#issuecomment-") {
		t.Errorf("got %+v", w)
	}
	if w := comment(t, f, marker+"\none\n"); w.Done != Unchanged {
		t.Errorf("got %+v", w)
	}
	if n := h.count("^(PATCH|DELETE)|^POST /repos"); n != 1 {
		t.Errorf("%d writes, want the first only", n)
	}
	if w := comment(t, f, "two"); w.Done != Updated {
		t.Errorf("got %+v", w)
	}
	if got := h.bodies(7); len(got) != 1 || got[0] != marker+"\ntwo" {
		t.Errorf("the comments are %q", got)
	}
}

func TestCommentOfAStrangerIsNeverTouched(t *testing.T) {
	h := newHub(t)
	for _, by := range []object{stranger, nil, {"login": "GitHub-Actions", "id": 5, "type": "User"}, {"login": "ghost", "id": 0}} {
		h.addComment(7, by, marker+"\nforged")
	}
	h.addComment(7, bot, "quoted:\n"+marker)
	h.addComment(7, bot, "<!-- penstock:other -->\nanother page")
	if w := comment(t, h.forge(), "real"); w.Done != Created {
		t.Errorf("got %+v", w)
	}
	if w := comment(t, h.forge(), "new"); w.Done != Updated || w.Duplicates != 0 {
		t.Errorf("got %+v", w)
	}
	for _, c := range h.comments[:4] {
		if c["body"] != marker+"\nforged" {
			t.Errorf("a stranger's comment says %q", c["body"])
		}
	}
	if got := h.bodies(7); len(got) != 3 || got[2] != marker+"\nnew" {
		t.Errorf("the comments are %q", got)
	}
}

func TestCommentIsFoundOnTheLastPage(t *testing.T) {
	h := newHub(t)
	h.perPage = 10
	for i := range 47 {
		h.addComment(7, stranger, fmt.Sprint("chatter ", i))
	}
	h.addComment(7, bot, marker+"\nold")
	if w := comment(t, h.forge(), "new"); w.Done != Updated {
		t.Errorf("got %+v", w)
	}
	if n := h.count("GET .*/comments"); n != 5 {
		t.Errorf("%d pages were read, want 5", n)
	}
}

// A list that never ends is an error: what is on it is not known.
func TestEndlessListIsAnError(t *testing.T) {
	h := newHub(t)
	h.faults = []*fault{{"GET .*/comments", 1000, func(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		var n int
		fmt.Sscan(r.URL.Query().Get("page"), &n)
		w.Header().Set("Link", fmt.Sprintf(`<%s?page=%d>; rel="next"`, h.URL, n+1))
		fmt.Fprint(w, "[]")
	}}}
	if _, err := h.forge().Comment(t.Context(), 7, marker, "x"); err == nil || !strings.Contains(err.Error(), "more than 100 pages") {
		t.Errorf("got %v", err)
	}
	h.faults[0].do = func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Link", fmt.Sprintf(`<%s?page=1>; rel="next"`, h.URL))
		fmt.Fprint(w, "[]")
	}
	if _, err := h.forge().Comment(t.Context(), 7, marker, "x"); err == nil || !strings.Contains(err.Error(), "says that page 1 is next") {
		t.Errorf("got %v", err)
	}
	if n := h.count("POST .*/comments"); n != 0 {
		t.Errorf("%d comments were written", n)
	}
}

// Runs that come together leave one comment, the oldest, and it says what one of
// them said.
func TestConcurrentCommentsBecomeOne(t *testing.T) {
	for round := range 20 {
		h := newHub(t)
		var all sync.WaitGroup
		for i := range 6 {
			f := h.forge()
			all.Go(func() {
				if _, err := f.Comment(t.Context(), 7, marker, fmt.Sprint("run ", i)); err != nil {
					t.Errorf("round %d, run %d: %v", round, i, err)
				}
			})
		}
		all.Wait()
		if got := h.bodies(7); len(got) != 1 || !strings.HasPrefix(got[0], marker+"\nrun ") {
			t.Fatalf("round %d: the comments are %q", round, got)
		}
	}
}

func TestDuplicatesAreRemovedTheOldestStays(t *testing.T) {
	h := newHub(t)
	for _, body := range []string{"a", "b", "c"} {
		h.addComment(7, bot, marker+"\n"+body)
	}
	first := h.comments[0]["id"]
	if w := comment(t, h.forge(), "d"); w.Done != Updated || w.Duplicates != 2 {
		t.Errorf("got %+v", w)
	}
	if len(h.comments) != 1 || h.comments[0]["id"] != first || h.comments[0]["body"] != marker+"\nd" {
		t.Errorf("the comments are %v", h.comments)
	}
}

// What another run wrote into the comment that this one just created is newer.
func TestNewerTextOfAnotherRunStays(t *testing.T) {
	h := newHub(t)
	reads := 0
	h.faults = []*fault{{"GET .*/comments", 100, func(w http.ResponseWriter, r *http.Request, real http.HandlerFunc) {
		if reads++; reads == 2 {
			h.comments[0]["body"] = marker + "\nnewer"
		}
		real(w, r)
	}}}
	if w := comment(t, h.forge(), "older"); w.Done != Created {
		t.Errorf("got %+v", w)
	}
	if got := h.bodies(7); len(got) != 1 || got[0] != marker+"\nnewer" {
		t.Errorf("the comments are %q", got)
	}
}

// A list that is behind does not make a later comment the oldest.
func TestListThatIsBehind(t *testing.T) {
	h := newHub(t)
	reads := 0
	h.faults = []*fault{{"GET .*/comments", 100, func(w http.ResponseWriter, r *http.Request, real http.HandlerFunc) {
		if reads++; reads < 2 {
			real(w, r)
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.say(w, 200, []object{h.addComment(7, bot, marker+"\nof another run")}) // without ours
	}}}
	if w := comment(t, h.forge(), "ours"); w.Done != Created || w.Duplicates != 1 {
		t.Errorf("got %+v", w)
	}
	if got := h.bodies(7); len(got) != 1 || got[0] != marker+"\nours" {
		t.Errorf("the comments are %q", got)
	}
}

// Somebody who deletes the comment meanwhile gets a new one, but not for ever.
func TestCommentThatIsDeletedMeanwhile(t *testing.T) {
	for times, well := range map[int]bool{1: true, 2: true, 3: false} {
		h := newHub(t)
		h.addComment(7, bot, marker+"\nold")
		h.faults = []*fault{{"PATCH .*/comments", times, before(404, nil, `{"message":"Not Found"}`)}}
		_, err := h.forge().Comment(t.Context(), 7, marker, "new")
		if (err == nil) != well || !well && !strings.Contains(err.Error(), "it is deleted as often as it is written") {
			t.Errorf("%d times: got %v", times, err)
		}
	}
}

func TestAnswerThatIsTooLarge(t *testing.T) {
	h := newHub(t)
	h.faults = []*fault{{"GET .*/comments", 100, func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		fmt.Fprint(w, "["+strings.Repeat(" ", largest)+"]")
	}}}
	if _, err := h.forge().Comment(t.Context(), 7, marker, "x"); err == nil || !strings.Contains(err.Error(), "it has more than 33554432 bytes") {
		t.Errorf("got %v", err)
	}
}

// However an answer is lost, there is one comment afterwards.
func TestLostAnswerMakesNoSecondComment(t *testing.T) {
	for name, f := range map[string]fault{
		"502 after it was done":      {times: 1, do: after(502, "<html>Bad Gateway</html>")},
		"504 after it was done":      {times: 1, do: after(504, "")},
		"502 before it was done":     {times: 1, do: before(502, nil, "<html>Bad Gateway</html>")},
		"503 before, twice":          {times: 2, do: before(503, nil, "{}")},
		"cut off before the answer":  {times: 1, do: cutOff(false)},
		"cut off within the answer":  {times: 1, do: cutOff(true)},
		"answer is not JSON":         {times: 1, do: after(201, "<html>")},
		"answer is empty":            {times: 1, do: after(201, "")},
		"answer names nothing":       {times: 1, do: after(201, "{}")},
		"answer is null":             {times: 1, do: after(201, "null")},
		"limit, by the second name":  {times: 2, do: before(403, http.Header{"Retry-After": {"3"}}, `{"message":"You have exceeded a secondary rate limit"}`)},
		"limit, without Retry-After": {times: 1, do: before(403, nil, `{"message":"You have exceeded a secondary rate limit"}`)},
		"limit, 429":                 {times: 1, do: before(429, nil, "")},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			f.match = "POST .*/comments"
			h.faults = []*fault{&f}
			if w := comment(t, h.forge(), "hello"); w.Done == Updated {
				t.Errorf("got %+v", w)
			}
			if got := h.bodies(7); len(got) != 1 || got[0] != marker+"\nhello" {
				t.Errorf("the comments are %q", got)
			}
			if f.times != 0 {
				t.Errorf("the fault was to come %d times more", f.times)
			}
		})
	}
}

// What is refused for good is not tried again, and the message helps.
func TestRefusalsSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		fault fault
		want  string
		hint  string
	}{
		"422": {fault{do: before(422, nil, `{"message":"Validation Failed","errors":[{"resource":"IssueComment","field":"data","code":"unprocessable","message":"Body \u001b[31mred"}]}`)},
			`commenting on pull request 7: POST /repos/o/r/issues/7/comments: 422 Unprocessable Entity: Validation Failed; data unprocessable Body \x1b[31mred`, ""},
		"403": {fault{do: before(403, http.Header{"X-Accepted-Github-Permissions": {"pull_requests=write"}}, `{"message":"Resource not accessible by integration"}`)},
			"403 Forbidden: Resource not accessible by integration", "give the job or token this permission: pull_requests: write"},
		"404": {fault{do: before(404, nil, `{"message":"Not Found"}`)}, "404 Not Found: Not Found", "check GITHUB_REPOSITORY, and that the token may see it"},
		"401": {fault{do: before(401, nil, `{"message":"Bad credentials `+token+`"}`)}, "401 Unauthorized: Bad credentials [token]", "the token does not hold (any more): set GITHUB_TOKEN anew"},
		"410": {fault{do: before(410, nil, `gone`)}, "410 Gone", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			c.fault.match, c.fault.times = "POST .*/comments", 100
			h.faults = []*fault{&c.fault}
			_, err := h.forge().Comment(t.Context(), 7, marker, "hello")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), token) {
				t.Error("the error shows the token")
			}
			var known *pipelines.Error
			if hint := ""; errors.As(err, &known) || c.hint != "" {
				if known != nil {
					hint = known.Hint
				}
				if hint != c.hint {
					t.Errorf("the hint is %q, want %q", hint, c.hint)
				}
			}
			if n := h.count("POST .*/comments"); n != 1 {
				t.Errorf("it was sent %d times", n)
			}
		})
	}
}

func TestWaitsAreBounded(t *testing.T) {
	for name, c := range map[string]struct {
		match string
		do    func(http.ResponseWriter, *http.Request, http.HandlerFunc)
		sent  int
		least time.Duration
	}{
		"Retry-After is honoured":    {"GET .*/comments", before(503, http.Header{"Retry-After": {"30"}}, ""), tries, 30 * time.Second},
		"but not for ever":           {"GET .*/comments", before(503, http.Header{"Retry-After": {"3600"}}, ""), 1, 0},
		"a limit of an hour":         {"GET .*/comments", before(403, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"99999999999"}}, `{"message":"API rate limit exceeded"}`), 1, 0},
		"a secondary limit, no time": {"GET .*/comments", before(403, nil, `{"message":"You have exceeded a secondary rate limit."}`), tries, secondary},
		"5xx":                        {"GET .*/comments", before(502, nil, ""), tries, time.Second},
		"nothing to wait for":        {"GET .*/comments", before(501, nil, ""), 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.faults = []*fault{{c.match, 100, c.do}}
			if _, err := h.forge().Comment(t.Context(), 7, marker, "hello"); err == nil {
				t.Error("it went well")
			}
			if n := h.count(c.match); n != c.sent {
				t.Errorf("it was sent %d times, want %d", n, c.sent)
			}
			if len(h.waits) != c.sent-1 {
				t.Fatalf("it waited %d times", len(h.waits))
			}
			for _, d := range h.waits {
				if d < c.least || d > longest {
					t.Errorf("it waited %s", d)
				}
			}
		})
	}
}

func TestContextEndsEverything(t *testing.T) {
	h := newHub(t)
	ctx, cancel := context.WithCancel(t.Context())
	h.faults = []*fault{{"GET .*/comments", 100, func(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		cancel()
		w.WriteHeader(502)
	}}}
	f := h.forge()
	f.wait = pause
	if _, err := f.Comment(ctx, 7, marker, "hello"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := h.count("GET .*/comments"); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
}

func TestTextsThatAreRefusedUnsent(t *testing.T) {
	h := newHub(t)
	for _, c := range []struct{ marker, body, want string }{
		{marker, strings.Repeat("ü", BodyLimit), "65559 characters"},
		{"plan", "x", `"plan" is no marker`},
		{"<!-- a --> <b>", "x", "is no marker"},
		{"<!-- a\nb -->", "x", "is no marker"},
	} {
		if _, err := h.forge().Comment(t.Context(), 7, c.marker, c.body); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if len(h.asked) != 0 {
		t.Errorf("it was asked %q", h.asked)
	}
	if w := comment(t, h.forge(), strings.Repeat("ü", BodyLimit-len(marker)-1)); w.Done != Created {
		t.Errorf("got %+v", w)
	}
}
