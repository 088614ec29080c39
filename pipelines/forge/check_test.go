package forge

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const sha = "0123456789abcdef0123456789abcdef01234567"

func someCheck(annotations int) CheckRun {
	c := CheckRun{SHA: sha, Name: "penstock", Conclusion: Failed, Title: "3 findings", Summary: "## all of it"}
	for i := range annotations {
		c.Annotations = append(c.Annotations, Annotation{Path: "a.tf", Line: i + 1, Level: LevelFailure, Message: fmt.Sprint("finding ", i)})
	}
	return c
}

func TestCheckSendsAnnotationsInBatches(t *testing.T) {
	for annotations, requests := range map[int]int{0: 1, 1: 1, 50: 1, 51: 2, 100: 2, 101: 3, 260: 6} {
		h := newHub(t)
		w, err := h.forge().Check(t.Context(), someCheck(annotations))
		if err != nil || w.Done != Created || w.Note != "" || w.URL == "" {
			t.Fatalf("%d annotations: got %+v, %v", annotations, w, err)
		}
		run := h.checks[0]
		if run["annotations"] != annotations || run["status"] != "completed" || run["conclusion"] != "failure" || run["head_sha"] != sha {
			t.Errorf("%d annotations: got %v", annotations, run)
		}
		if n := len(h.asked); n != requests || len(h.checks) != 1 {
			t.Errorf("%d annotations: %d requests, want %d; %d checks", annotations, n, requests, len(h.checks))
		}
	}
}

// However an answer is lost, there is one check with each annotation once.
func TestLostAnswerMakesNoSecondCheckOrAnnotation(t *testing.T) {
	for name, f := range map[string]*fault{
		"creating, 502 after":   {"POST .*/check-runs", 1, after(502, "")},
		"creating, unnamed":     {"POST .*/check-runs", 1, after(201, "{}")},
		"creating, cut off":     {"POST .*/check-runs", 1, cutOff(true)},
		"creating, 502 before":  {"POST .*/check-runs", 1, before(502, nil, "")},
		"extending, 502 after":  {"PATCH .*/check-runs", 1, after(502, "")},
		"extending, cut off":    {"PATCH .*/check-runs", 1, cutOff(false)},
		"extending, 502 before": {"PATCH .*/check-runs", 2, before(502, nil, "")},
		"extending, limited":    {"PATCH .*/check-runs", 2, before(429, http.Header{"Retry-After": {"1"}}, "")},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.faults = []*fault{f}
			if _, err := h.forge().Check(t.Context(), someCheck(130)); err != nil {
				t.Fatal(err)
			}
			if len(h.checks) != 1 || h.checks[0]["annotations"] != 130 || h.checks[0]["status"] != "completed" {
				t.Errorf("got %v", h.checks)
			}
			if f.times != 0 {
				t.Error("the fault did not come")
			}
		})
	}
}

// A check that was cut short is in progress: it passes nothing.
func TestCheckCutShortPassesNothing(t *testing.T) {
	h := newHub(t)
	h.faults = []*fault{{"PATCH .*/check-runs", 100, before(403, nil, `{"message":"no more"}`)}}
	c := someCheck(60)
	c.Conclusion = Success
	_, err := h.forge().Check(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "sending annotations 51 to 60 of 60: PATCH") {
		t.Errorf("got %v", err)
	}
	if h.checks[0]["status"] != "in_progress" || h.checks[0]["conclusion"] != nil || len(h.statuses) != 0 {
		t.Errorf("got %v, %v", h.checks, h.statuses)
	}
}

func TestCheckFallsBackToACommitStatus(t *testing.T) {
	for _, code := range []int{403, 404} {
		h := newHub(t)
		h.faults = []*fault{{"POST .*/check-runs", 100, before(code, nil, `{"message":"You must authenticate via a GitHub App."}`)}}
		for conclusion, state := range map[Conclusion]string{Success: "success", Failed: "failure", ActionRequired: "failure"} {
			c := someCheck(3)
			c.Conclusion, c.Title = conclusion, strings.Repeat("\x1b", 200)
			w, err := h.forge().Check(t.Context(), c)
			if err != nil || !strings.Contains(w.Note, "it is a commit status") || !strings.Contains(w.Note, "GitHub App") {
				t.Fatalf("got %+v, %v", w, err)
			}
			last := h.statuses[len(h.statuses)-1]
			if last["state"] != state || last["context"] != "penstock" || len(last["description"].(string)) != description {
				t.Errorf("%s: got %v", conclusion, last)
			}
		}
	}
}

// Being asked to wait is not the same as having no check runs.
func TestLimitIsNoReasonForACommitStatus(t *testing.T) {
	h := newHub(t)
	h.faults = []*fault{{"POST .*/check-runs", 100, before(403, http.Header{"Retry-After": {"9999"}}, `{}`)}}
	if w, err := h.forge().Check(t.Context(), someCheck(1)); err == nil || len(h.statuses) != 0 {
		t.Errorf("got %+v, %v", w, h.statuses)
	}
	h.faults[0].do = before(500, nil, "")
	if w, err := h.forge().Check(t.Context(), someCheck(1)); err == nil || len(h.statuses) != 0 {
		t.Errorf("got %+v, %v", w, h.statuses)
	}
}

func TestCheckThatIsRefusedUnsent(t *testing.T) {
	for want, change := range map[string]func(*CheckRun){
		"is no full commit":           func(c *CheckRun) { c.SHA = "main" },
		"it has no name":              func(c *CheckRun) { c.Name = "" },
		`no conclusion ""`:            func(c *CheckRun) { c.Conclusion = "" },
		"at most 65535 are allowed":   func(c *CheckRun) { c.Summary = strings.Repeat("x", SummaryLimit+1) },
		`there is no conclusion "ok"`: func(c *CheckRun) { c.Conclusion = "ok" },
	} {
		h := newHub(t)
		c := someCheck(1)
		change(&c)
		if _, err := h.forge().Check(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) || len(h.asked) != 0 {
			t.Errorf("got %v, want %s; asked %q", err, want, h.asked)
		}
	}
}
