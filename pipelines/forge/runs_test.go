package forge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// As the documentation of GitHub shows it, shortened.
const approvals = `[
  {"state": "approved", "comment": "Ship it!",
   "environments": [{"id": 161088068, "node_id": "MDExOkVudmlyb25tZW50MTYxMDg4MDY4", "name": "prod", "url": "https://api.github.com/repos/o/r/environments/prod",
     "html_url": "https://github.com/o/r/deployments/activity_log?environments_filter=prod", "created_at": "2020-11-23T22:00:40Z", "updated_at": "2020-11-23T22:00:40Z"}],
   "user": {"login": "octocat", "id": 1, "node_id": "MDQ6VXNlcjE=", "type": "User", "site_admin": false}},
  {"state": "pending", "comment": "", "environments": [{"id": 2, "name": "dvlp"}], "user": {"login": "hubot", "id": 2}},
  {"state": "rejected", "comment": "no", "environments": [{"id": 161088068, "name": "prod"}], "user": {"login": "hubot", "id": 2}}
]`

func TestApproved(t *testing.T) {
	h := newHub(t)
	h.fixed["GET /repos/o/r/actions/runs/30433642/approvals"] = approvals
	got, err := h.forge().Approved(t.Context(), 30433642)
	if err != nil || len(got) != 1 || got[0].Login != "octocat" || got[0].ID != 1 || fmt.Sprint(got[0].Environments) != "[prod]" || got[0].Comment != "Ship it!" {
		t.Fatalf("got %+v, %v", got, err)
	}
}

// What is not understood approves nothing.
func TestApprovedFailsClosed(t *testing.T) {
	for name, text := range map[string]string{
		"another state":    `[{"state":"APPROVED","user":{"login":"a","id":1},"environments":[{"name":"prod"}]}]`,
		"nobody":           `[{"state":"approved","user":null,"environments":[{"name":"prod"}]}]`,
		"no id":            `[{"state":"approved","user":{"login":"a"},"environments":[{"name":"prod"}]}]`,
		"no environment":   `[{"state":"approved","user":{"login":"a","id":1},"environments":[]}]`,
		"unnamed":          `[{"state":"approved","user":{"login":"a","id":1},"environments":[{"id":4}]}]`,
		"an object":        `{"message":"ok"}`,
		"nothing":          ``,
		"cut":              `[{"state":"approved"`,
		"a web page":       `<html>sign in</html>`,
		"no such run, 404": "404",
	} {
		h := newHub(t)
		if text != "404" {
			h.fixed["GET /repos/o/r/actions/runs/5/approvals"] = text
		}
		if got, err := h.forge().Approved(t.Context(), 5); err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

const runPath = "GET /repos/o/r/actions/runs/30433642/attempts/2"

func someRun(h *hub) ledger.CI {
	return ledger.CI{Forge: "github", RunURL: h.URL + "/o/r/actions/runs/30433642", RunID: "30433642", Attempt: "2"}
}

func TestRunOver(t *testing.T) {
	for state, want := range map[string]bool{"completed": true, "in_progress": false, "queued": false, "waiting": false, "requested": false, "pending": false} {
		h := newHub(t)
		h.fixed[runPath] = fmt.Sprintf(`{"id": 30433642, "name": "Apply", "run_number": 562, "run_attempt": 2, "event": "push", "status": %q, "conclusion": null,
			"head_sha": %q, "html_url": "https://github.com/o/r/actions/runs/30433642"}`, state, sha)
		if over, err := h.forge().RunOver(t.Context(), someRun(h)); err != nil || over != want {
			t.Errorf("%s: got %v, %v", state, over, err)
		}
	}
}

// Only a plain answer about this very run proves that it is over.
func TestRunOverFailsClosed(t *testing.T) {
	done := `{"id": 30433642, "run_attempt": 2, "status": "completed"}`
	for name, c := range map[string]struct {
		answer string
		change func(*ledger.CI)
	}{
		"another run":        {`{"id": 30433643, "run_attempt": 2, "status": "completed"}`, nil},
		"another attempt":    {`{"id": 30433642, "run_attempt": 1, "status": "completed"}`, nil},
		"no status":          {`{"id": 30433642, "run_attempt": 2}`, nil},
		"unknown status":     {`{"id": 30433642, "run_attempt": 2, "status": "success"}`, nil},
		"empty":              {"", nil},
		"null":               {"null", nil},
		"a web page":         {"<html>", nil},
		"of no forge":        {done, func(c *ledger.CI) { c.Forge = "" }},
		"of another forge":   {done, func(c *ledger.CI) { c.Forge = "gitlab" }},
		"no attempt":         {done, func(c *ledger.CI) { c.Attempt = "" }},
		"attempt 0":          {done, func(c *ledger.CI) { c.Attempt = "0" }},
		"id is a path":       {done, func(c *ledger.CI) { c.RunID = "30433642/../1" }},
		"another repository": {done, func(c *ledger.CI) { c.RunURL = strings.Replace(c.RunURL, "/o/r/", "/o/other/", 1) }},
		"another host":       {done, func(c *ledger.CI) { c.RunURL = "https://github.com/o/r/actions/runs/30433642" }},
		"another id":         {done, func(c *ledger.CI) { c.RunURL += "0" }},
		"no address":         {done, func(c *ledger.CI) { c.RunURL = "" }},
	} {
		h := newHub(t)
		h.fixed[runPath] = c.answer
		ci := someRun(h)
		if c.change != nil {
			c.change(&ci)
		}
		if over, err := h.forge().RunOver(t.Context(), ci); err == nil || over {
			t.Errorf("%s: got %v, %v", name, over, err)
		}
	}
	h := newHub(t) // it knows no such run
	if over, err := h.forge().RunOver(t.Context(), someRun(h)); err == nil || over {
		t.Errorf("404: got %v, %v", over, err)
	}
}

// What a run that is of now, and of this attempt, was approved by.
func TestDeployment(t *testing.T) {
	run := `{"id": 30433642, "run_attempt": 2, "status": "in_progress", "head_sha": "` + sha + `", "created_at": "2026-11-21T08:00:00Z", "run_started_at": "2026-11-21T09:00:00Z"}`
	for name, c := range map[string]struct {
		old, now string
		wrong    bool
	}{
		"as it is":        {"", "", false},
		"another run":     {"30433642", "30433643", true},
		"another attempt": {`"run_attempt": 2`, `"run_attempt": 3`, true},
		"over":            {"in_progress", "completed", true},
		"unknown status":  {"in_progress", "running", true},
		"no commit":       {sha, "", true},
		"no time":         {"created_at", "updated_at", true},
	} {
		h := newHub(t)
		h.fixed["GET /repos/o/r/actions/runs/30433642"] = strings.Replace(run, c.old, c.now, 1)
		h.fixed["GET /repos/o/r/actions/runs/30433642/approvals"] = approvals
		d, err := h.forge().Deployment(t.Context(), someRun(h))
		if (err != nil) != c.wrong {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
		if err == nil && (d.Commit != sha || d.Created.Format("15:04") != "08:00" || len(d.Approvals) != 1 || d.Approvals[0].Login != "octocat") {
			t.Errorf("%s: %+v", name, d)
		}
	}
	h := newHub(t)
	h.fixed["GET /repos/o/r/actions/runs/30433642"] = run
	if d, err := h.forge().Deployment(t.Context(), someRun(h)); err == nil { // who approved it is not answered
		t.Errorf("%+v", d)
	}
}

func TestRunsOfHosts(t *testing.T) {
	for _, c := range []struct {
		api, run string
		want     bool
	}{
		{"", "https://github.com", true},
		{"https://ghe.example/api/v3", "https://ghe.example", true},
		{"https://api.corp.ghe.com", "https://corp.ghe.com", true},
		{"https://ghe.example/api/v3", "https://github.com", false},
		{"", "https://github.com.evil.example", false},
	} {
		f, err := Open(Options{Token: token, BaseURL: c.api, Repository: "o/r"})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.owns(c.run+"/o/r/actions/runs/5", 5); (err == nil) != c.want {
			t.Errorf("%s, %s: got %v", c.api, c.run, err)
		}
	}
}
