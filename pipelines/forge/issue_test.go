package forge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

var drift = Issue{Key: "live/dvlp/network@dvlp", Title: "live/dvlp/network drifted", Body: "two changes", Open: true}

func keep(t *testing.T, f *Forge, i Issue) Written {
	t.Helper()
	w, err := f.Issue(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// open is how many issues are.
func (h *hub) open() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(only(h.issues, func(i object) bool { return i["state"] == "open" }))
}

func TestIssueComesAndGoes(t *testing.T) {
	h := newHub(t)
	f := h.forge()
	gone, newer := drift, drift
	gone.Open, gone.Body = false, "nothing is left"
	newer.Title, newer.Body = "live/dvlp/network drifted more", "three changes"
	writes := 0
	for n, step := range []struct {
		issue  Issue
		want   Done
		writes int
	}{
		{gone, Unchanged, 0}, {drift, Created, 1}, {drift, Unchanged, 0}, {newer, Updated, 1}, {newer, Unchanged, 0},
		{gone, Closed, 2}, {gone, Unchanged, 0}, {newer, Reopened, 1}, {drift, Updated, 1},
	} {
		if w := keep(t, f, step.issue); w.Done != step.want || (w.URL == "") != (n == 0) {
			t.Errorf("step %d: got %+v, want %s", n, w, step.want)
		}
		now := h.count("^(PATCH|DELETE)|^POST /repos")
		if now-writes != step.writes {
			t.Errorf("step %d: %d writes, want %d", n, now-writes, step.writes)
		}
		writes = now
	}
	if len(h.issues) != 1 || h.issues[0]["body"] != drift.marker()+"\ntwo changes" {
		t.Errorf("the issues are %v", h.issues)
	}
	if len(h.comments) != 1 || !strings.HasSuffix(h.comments[0]["body"].(string), "-->\nnothing is left") {
		t.Errorf("the comments are %v", h.comments)
	}
}

// A key may hold what ends an HTML comment, or looks like another key's marker.
func TestIssuesOfKeysStayApart(t *testing.T) {
	h := newHub(t)
	f := h.forge()
	keys := []string{"a", "a -->", "a\n<!-- b -->", "A", strings.Repeat("k", 5000)}
	for _, k := range keys {
		i := drift
		i.Key = k
		if w := keep(t, f, i); w.Done != Created {
			t.Errorf("%q: got %+v", k, w)
		}
	}
	if len(h.issues) != len(keys) {
		t.Errorf("there are %d issues", len(h.issues))
	}
}

func TestIssueOfAStrangerIsNeverTouched(t *testing.T) {
	h := newHub(t)
	h.addIssue(stranger, "forged", drift.marker(), true)
	h.addIssue(bot, "without label", drift.marker(), false)
	h.addIssue(bot, "a pull request", drift.marker(), true)["pull_request"] = object{"url": "x"}
	gone := drift
	gone.Open = false
	if w := keep(t, h.forge(), gone); w.Done != Unchanged {
		t.Errorf("got %+v", w)
	}
	if w := keep(t, h.forge(), drift); w.Done != Created {
		t.Errorf("got %+v", w)
	}
	if n := h.count("^PATCH"); n != 0 || h.open() != 4 {
		t.Errorf("%d issues were changed, %d are open", n, h.open())
	}
}

func TestDuplicateIssuesAreClosed(t *testing.T) {
	h := newHub(t)
	h.perPage = 2
	for range 5 {
		h.addIssue(bot, drift.Title, drift.marker()+"\n"+drift.Body, true)
	}
	first := h.issues[0]["number"]
	if w := keep(t, h.forge(), drift); w.Done != Unchanged || w.Duplicates != 4 {
		t.Errorf("got %+v", w)
	}
	if h.open() != 1 || h.issues[0]["state"] != "open" || !strings.HasSuffix(h.comments[0]["body"].(string), fmt.Sprintf("The same as #%d.", first)) {
		t.Errorf("the issues are %v, the comments %v", h.issues, h.comments)
	}
	if w := keep(t, h.forge(), drift); w.Done != Unchanged || w.Duplicates != 0 {
		t.Errorf("got %+v", w)
	}
}

func TestConcurrentIssuesBecomeOne(t *testing.T) {
	for round := range 20 {
		h := newHub(t)
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := h.forge().Issue(t.Context(), drift); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if h.open() != 1 {
			t.Fatalf("round %d: %d issues are open", round, h.open())
		}
	}
}

func TestLostAnswerMakesNoSecondIssue(t *testing.T) {
	for name, f := range map[string]*fault{
		"creating, 502 after":      {"POST .*/issues$", 1, after(502, "")},
		"creating, unnamed":        {"POST .*/issues$", 1, after(201, "{}")},
		"creating, cut off":        {"POST .*/issues$", 1, cutOff(true)},
		"creating, 502 before":     {"POST .*/issues$", 2, before(502, nil, "")},
		"closing, cut off":         {"PATCH .*/issues/", 1, cutOff(false)},
		"closing, 500":             {"PATCH .*/issues/", 1, before(500, nil, "")},
		"saying why, 502 after":    {"POST .*/comments$", 1, after(502, "")},
		"saying why, cut off":      {"POST .*/comments$", 1, cutOff(true)},
		"saying why, never arrive": {"POST .*/comments$", 1, before(502, nil, "")},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.faults = []*fault{f}
			keep(t, h.forge(), drift)
			if h.open() != 1 {
				t.Errorf("%d issues are open", h.open())
			}
			gone := drift
			gone.Open = false
			keep(t, h.forge(), gone)
			if h.open() != 0 || len(h.issues) != 1 || len(h.comments) != 1 {
				t.Errorf("%d issues are open of %d, with %d comments", h.open(), len(h.issues), len(h.comments))
			}
			if f.times != 0 {
				t.Error("the fault did not come")
			}
		})
	}
}

// GitHub drops the label of one who may not set it: such an issue would be made
// again and again.
func TestIssueWithoutItsLabelIsAnError(t *testing.T) {
	h := newHub(t)
	h.faults = []*fault{{"POST .*/issues$", 1, func(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.say(w, 201, h.addIssue(bot, "t", "b", false))
	}}}
	if _, err := h.forge().Issue(t.Context(), drift); err == nil || !strings.Contains(err.Error(), `the label "penstock-drift" does not stay`) {
		t.Errorf("got %v", err)
	}
	if h.open() != 0 {
		t.Error("it was left open")
	}
}

func TestIssueThatSaysTooLittle(t *testing.T) {
	h := newHub(t)
	for want, i := range map[string]Issue{"it has no key": {Title: "t", Open: true}, "it has no title": {Key: "k", Open: true},
		"characters": {Key: "k", Title: "t", Body: strings.Repeat("x", BodyLimit), Open: true}} {
		if _, err := h.forge().Issue(t.Context(), i); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if len(h.asked) != 0 {
		t.Errorf("it was asked %q", h.asked)
	}
}

// What a title holds comes from names of directories and branches.
func TestTitleIsPrintable(t *testing.T) {
	h := newHub(t)
	i := drift
	i.Title = "a\x1b[2J\u202e" + strings.Repeat("\x00", 400)
	keep(t, h.forge(), i)
	text, err := json.Marshal(h.issues[0]["title"])
	if err != nil || !strings.HasPrefix(string(text), `"a\\x1b[2J\\u202e`) || len([]rune(h.issues[0]["title"].(string))) > 256 {
		t.Errorf("the title is %s, %v", text, err)
	}
	if w := keep(t, h.forge(), i); w.Done != Unchanged {
		t.Errorf("got %+v", w)
	}
}
