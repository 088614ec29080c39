package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/redact"
	"github.com/penstock-dev/penstock/pipelines/store"
)

type driftObject = map[string]any

// tracker is GitHub's issues, as far as they are used here.
type tracker struct {
	mu       sync.Mutex
	issues   []driftObject
	comments []driftObject
	// writes are the requests that change something, all counts every request.
	writes []string
	all    int
	broken bool
}

func (k *tracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all++
	var in driftObject
	_ = json.NewDecoder(r.Body).Decode(&in)
	say := func(status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	me := driftObject{"login": "bot", "id": 12, "type": "Bot"}
	where := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/repos/o/r/")
	if r.Method != http.MethodGet {
		k.writes = append(k.writes, where)
	}
	var number int
	switch {
	case k.broken:
		say(403, driftObject{"message": "Resource not accessible by integration"})
	case where == "GET /user":
		say(200, me)
	case where == "GET issues":
		say(200, k.issues)
	case where == "POST issues":
		issue := driftObject{"number": len(k.issues) + 1, "id": 100 + len(k.issues), "state": "open", "title": in["title"], "body": in["body"], "user": me,
			"labels": []driftObject{{"name": forge.DriftLabel}}, "html_url": "https://forge.example/o/r/issues/1"}
		k.issues = append(k.issues, issue)
		say(201, issue)
	case scan(where, "PATCH issues/%d", &number) && number <= len(k.issues):
		for name, value := range in {
			k.issues[number-1][name] = value
		}
		say(200, k.issues[number-1])
	case scan(where, "GET issues/%d/comments", &number):
		say(200, k.comments)
	case scan(where, "POST issues/%d/comments", &number):
		k.comments = append(k.comments, driftObject{"id": len(k.comments) + 1, "user": me, "body": in["body"]})
		say(201, k.comments[len(k.comments)-1])
	default:
		say(404, driftObject{"message": "Not Found"})
	}
}

func scan(s, format string, number *int) bool {
	n, err := fmt.Sscanf(s, format, number)
	return err == nil && n == 1 && fmt.Sprintf(format, *number) == s
}

func newTracker(t *testing.T) (*tracker, *forge.Forge) {
	t.Helper()
	k := &tracker{}
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	f, err := forge.Open(forge.Options{Token: "t", BaseURL: server.URL, Repository: "o/r"})
	if err != nil {
		t.Fatal(err)
	}
	return k, f
}

// One issue follows a target: it is opened once, written only when what drifted is
// something else, kept through one error, and closed with a comment.
func TestIssueOfATarget(t *testing.T) {
	k, f := newTracker(t)
	d := &drifting{Drift: Drift{Forge: f, Store: dirStore(t)}}
	target := driftTarget("live/a")
	var before Look
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, step := range []struct {
		name   string
		seen   look
		writes string
		open   bool
	}{
		{"never looked at, clean", cleanLook, "", false},
		{"clean again", cleanLook, "", false},
		{"one error", failingLook, "", false},
		{"clean after it", cleanLook, "", false},
		{"drifted", driftedLook("x.a"), "POST issues", true},
		{"the same", driftedLook("x.a"), "", true},
		{"one error keeps it", failingLook, "", true},
		{"the same after it", driftedLook("x.a"), "", true},
		{"something else", driftedLook("x.a", "x.b"), "PATCH issues/1", true},
		{"an error", failingLook, "", true},
		{"two errors", failingLook, "PATCH issues/1", true},
		{"three errors", failingLook, "", true},
		{"clean", cleanLook, "PATCH issues/1, POST issues/1/comments", false},
		{"still clean", cleanLook, "", false},
		{"two errors open it: one", failingLook, "", false},
		{"two errors open it", failingLook, "PATCH issues/1", true},
		{"clean at last", cleanLook, "PATCH issues/1, POST issues/1/comments", false},
	} {
		k.writes, k.all = nil, 0
		now := before.next(target, step.seen, at.Add(time.Duration(i)*time.Hour), 0)
		now, err := d.keep(t.Context(), target, step.seen, before, now)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := strings.Join(k.writes, ", "); got != step.writes || now.Issue != step.open {
			t.Errorf("%s: wrote %q, open is %v", step.name, got, now.Issue)
		}
		if step.name == "still clean" && k.all > 0 {
			t.Errorf("%s: the forge was asked %d times", step.name, k.all)
		}
		before = now
	}
	if len(k.issues) != 1 || k.issues[0]["state"] != "closed" || len(k.comments) != 2 {
		t.Errorf("%d issues, %v, %d comments", len(k.issues), k.issues[0]["state"], len(k.comments))
	}
}

// An issue that an earlier run opened is closed by a run that finds the target clean,
// even where runs in between kept no issues.
func TestIssueIsRememberedOverRunsWithoutIssues(t *testing.T) {
	target := driftTarget("live/a")
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := Look{}.next(target, driftedLook("x"), at, 0)
	l.Issue = true
	l = l.next(target, cleanLook, at.Add(time.Hour), 0)
	k, f := newTracker(t)
	now := l.next(target, cleanLook, at.Add(2*time.Hour), 0)
	kept, err := (&drifting{Drift: Drift{Forge: f, Store: dirStore(t)}}).keep(t.Context(), target, cleanLook, l, now)
	if err != nil || k.all == 0 || kept.Issue {
		t.Errorf("asked %d times, %v, %v", k.all, kept.Issue, err)
	}
}

// A forge that refuses is told. Whatever fails, no issue is open of which the records
// say nothing: the next clean look would not close it.
func TestIssueThatCannotBeKept(t *testing.T) {
	target := driftTarget("live/a")
	k, f := newTracker(t)
	k.broken = true
	d := &drifting{Drift: Drift{Forge: f, Store: dirStore(t)}}
	drifted, err := d.keep(t.Context(), target, driftedLook("x"), Look{}, Look{}.next(target, driftedLook("x"), time.Now(), 0))
	if err == nil || !drifted.Issue || !strings.Contains(err.Error(), "prod/live/a") {
		t.Errorf("opening: %v, open is %v", err, drifted.Issue)
	}
	clean, err := d.keep(t.Context(), target, cleanLook, drifted, drifted.next(target, cleanLook, time.Now(), 0))
	if err == nil || !clean.Issue {
		t.Errorf("closing: %v, open is %v", err, clean.Issue)
	}
	k.broken = false
	full := &drifting{Drift: Drift{Forge: f, Store: fullStore{dirStore(t)}}}
	if _, err := full.keep(t.Context(), target, driftedLook("x"), Look{}, Look{}.next(target, driftedLook("x"), time.Now(), 0)); !errors.Is(err, errFull) || len(k.issues) > 0 {
		t.Errorf("a full store: %v, %d issues", err, len(k.issues))
	}
}

var errFull = errors.New("no space left")

// fullStore keeps nothing more.
type fullStore struct{ store.Store }

func (fullStore) Create(context.Context, string, io.ReadSeeker) error { return errFull }

// What others wrote means nothing in the title and the body, and both fit.
func TestIssueIsBoundedAndInert(t *testing.T) {
	const hostile = "x.a[\"@everyone <!-- --> <script> `]( https://evil.example #1 ::set-output | \n# x\"]"
	seen := look{outcome: Drifted}
	for range 5_000 {
		c := redact.Change{Address: hostile, Action: "update", Attributes: []redact.Attribute{{Path: "a|b@c", After: &redact.Value{Shown: []byte(`"@admin"`)}}}}
		seen.differences = append(seen.differences, difference{Rule: ruleOutside, Change: c})
	}
	target := driftTarget("live/" + strings.Repeat("@everyone <b>", 40))
	now := Look{}.next(target, seen, time.Now(), 0)
	failed := look{outcome: Failing, failure: pipelines.Result{Reason: strings.Repeat(hostile, 2_000), Hint: hostile,
		Findings: []pipelines.Finding{{Message: strings.Repeat(hostile, 2_000)}, {Message: hostile}}}}
	for name, text := range map[string]string{"drift": issueBody(target, seen, now), "error": issueBody(target, failed, now),
		"page": driftPage(&pipelines.Report{Notices: []pipelines.Notice{{Message: hostile}}}, []Target{target}, map[string]look{target.ID(): seen})} {
		for _, bad := range []string{"@everyone", "@admin", "<script>", "<!--", "https://evil", "a|b", "\n# x", " #1"} {
			// The command to look again is code: nothing in it means anything.
			if outside := strings.Split(text, "Look again: `")[0]; strings.Contains(outside, bad) {
				t.Errorf("%s: %q is in it", name, bad)
			}
		}
		if len(text) > forge.BodyLimit-200 || len(text) < 300 {
			t.Errorf("%s: it has %d bytes", name, len(text))
		}
	}
	if title := issueTitle(target, seen); len(title) > 250 || strings.ContainsAny(title, "\n\r") {
		t.Errorf("the title is %q", title)
	}
	if body := issueBody(target, seen, now); !strings.Contains(body, "more resources left out here") {
		t.Error("it is not said that some are left out")
	}
}

// The page shows all targets of a large run within the room of a summary, the worst first.
func TestDriftPageOfManyTargets(t *testing.T) {
	var targets []Target
	looks := map[string]look{}
	r := &pipelines.Report{}
	for i := range 3_000 {
		target := Target{Unit: pipelines.Unit{Path: fmt.Sprintf("live/%04d", i)}, Environment: config.Environment{Name: "prod"}}
		targets = append(targets, target)
		seen := cleanLook
		switch i % 3 {
		case 1:
			seen = driftedLook(strings.Repeat("module.x.", 50)+"a", "b")
		case 2:
			seen = failingLook
		}
		looks[target.ID()] = seen
		r.Results = append(r.Results, pipelines.Result{Unit: target.ID(), Reason: strings.Repeat("because ", 20)})
	}
	text := driftPage(r, targets, looks)
	first, last := strings.Index(text, "live/0002 in"), strings.Index(text, "live/0000 in")
	if len(text) > 1_000_000 || first < 0 || last < first || !strings.Contains(text, "1000 drifted, 1000 clean, 1000 could not be looked at") ||
		!strings.Contains(text, "more targets left out here") {
		t.Errorf("%d bytes, %d, %d: %.300s", len(text), first, last, text)
	}
}
