package live_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// reviews is as much of a forge as knows one run and who approved it.
type reviews struct {
	mu   sync.Mutex
	run  map[string]any
	said []map[string]any
	// status is what is answered in place of 200, if it is not 0.
	status int
	asked  int
}

const reviewToken = "ghs_of_the_job_that_applies"

func (r *reviews) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	say := func(status int, body any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	switch where := req.Method + " " + req.URL.Path; {
	case req.Header.Get("Authorization") != "Bearer "+reviewToken:
		say(401, map[string]string{"message": "Bad credentials"})
	case r.status != 0:
		say(r.status, map[string]string{"message": "Resource not accessible by integration"})
	case where == "GET /repos/acme/live/actions/runs/7":
		say(200, r.run)
	case where == "GET /repos/acme/live/actions/runs/7/approvals":
		say(200, r.said)
	default:
		say(404, map[string]string{"message": "Not Found"})
	}
}

func approvedBy(login string, environments ...string) map[string]any {
	list := []map[string]any{}
	for i, name := range environments {
		list = append(list, map[string]any{"id": i + 1, "name": name})
	}
	return map[string]any{"state": "approved", "comment": "", "user": map[string]any{"login": login, "id": 100 + len(login)}, "environments": list}
}

// byForge are the replacements for what needs a person always, and takes the forge's word.
var byForge = []string{"approve: destructive", "approve: low\n      approvals: forge"}

// newReviewed is a sealed change that needs a person, where the forge's approval counts, and the forge that is asked. The run is of
// a later time than the capsule, and ines has approved it.
func newReviewed(t *testing.T) (*guarded, *reviews, *capsule.Capsule) {
	t.Helper()
	g := newGuarded(t)
	r := &reviews{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	g.with("GITHUB_API_URL="+server.URL, "GITHUB_SERVER_URL="+server.URL, "GITHUB_TOKEN="+reviewToken)
	g.write("penstock.yaml", g.yaml(byForge...))
	commit := g.commit()
	c := g.sealed()
	r.run = map[string]any{"id": 7, "run_attempt": 1, "status": "in_progress", "head_sha": commit, "created_at": c.Envelope.Sealed.Add(time.Second).Format(time.RFC3339)}
	r.said = []map[string]any{approvedBy("ines", "dvlp")}
	return g, r, c
}

func TestAppliesWhatTheForgeApproved(t *testing.T) {
	g, r, _ := newReviewed(t)
	r.said = []map[string]any{approvedBy("mallory", "dvlp"), approvedBy("INES", "prod", "Dvlp")} // a forge's names are the same in any case
	g.applied()
	runs := g.runs(guardedTarget)
	if len(runs) != 1 {
		t.Fatalf("the journal: %+v", runs)
	}
	noted := ""
	for _, e := range runs[0].Entries {
		if e.Event == ledger.Started {
			noted = e.Note
		}
	}
	if !strings.HasPrefix(noted, "approved by INES on the forge: http://127.0.0.1:") || !strings.HasSuffix(noted, "/acme/live/actions/runs/7") {
		t.Errorf("the journal says %q of the approval", noted)
	}
}

// A signed record is enough: the forge is not asked.
func TestASignedRecordNeedsNoForge(t *testing.T) {
	g, r, c := newReviewed(t)
	r.status = 500
	g.approve(c, "ines", g.approverPEM, c.Manifest.Risk.Addresses...)
	g.applied()
	if r.asked > 0 {
		t.Errorf("the forge was asked %d times", r.asked)
	}
}

func TestRefusesWhatTheForgeDidNotApprove(t *testing.T) {
	g, r, c := newReviewed(t)
	run, said := r.run, r.said
	late := func(d time.Duration) map[string]any {
		return changed(run, "created_at", c.Envelope.Sealed.Add(d).Format(time.RFC3339))
	}
	for name, row := range map[string]struct {
		run    map[string]any
		said   []map[string]any
		status int
		env    []string
		reason string
	}{
		"nobody":               {said: []map[string]any{}, reason: `nobody approved the environment "dvlp" of the run`},
		"another environment":  {said: []map[string]any{approvedBy("ines", "prod", "dvlp2")}, reason: `nobody approved the environment "dvlp" of the run`},
		"a stranger":           {said: []map[string]any{approvedBy("mallory", "dvlp")}, reason: `"mallory" is not one of the 1 approvers`},
		"the author":           {said: []map[string]any{approvedBy("Ada", "dvlp")}, reason: `"Ada" made the change, and cannot approve it`},
		"rejected":             {said: []map[string]any{changed(approvedBy("ines", "dvlp"), "state", "rejected")}, reason: "nobody approved"},
		"not understood":       {said: []map[string]any{changed(approvedBy("ines", "dvlp"), "state", "maybe")}, reason: `reading who approved run 7: ines said "maybe"`},
		"the run is older":     {run: late(-time.Second), reason: "who approved it may not have seen the capsule"},
		"of the same second":   {run: late(0), reason: "who approved it may not have seen the capsule"},
		"it has no time":       {run: changed(run, "created_at", nil), reason: "does not say when it was made"},
		"another commit":       {run: changed(run, "head_sha", strings.Repeat("a", 40)), reason: "run 7 was approved for the commit " + strings.Repeat("a", 40)},
		"no commit":            {run: changed(run, "head_sha", ""), reason: "does not say its commit"},
		"another attempt":      {run: changed(run, "run_attempt", 2), reason: "this is attempt 1 of run 7, the answer is about attempt 2"},
		"another run":          {run: changed(run, "id", 8), reason: "the answer is about attempt 1 of run 8"},
		"over":                 {run: changed(run, "status", "completed"), reason: `its status is "completed"`},
		"no token":             {env: []string{"GITHUB_TOKEN="}, reason: "opening the forge: there is no token"},
		"a wrong token":        {env: []string{"GITHUB_TOKEN=other"}, reason: "401 Unauthorized: Bad credentials"},
		"no right":             {status: 403, reason: "403 Forbidden: Resource not accessible by integration"},
		"no such run":          {env: []string{"GITHUB_RUN_ID=8"}, reason: "GET /repos/acme/live/actions/runs/8: 404 Not Found"},
		"of another forge":     {env: []string{"GITHUB_SERVER_URL=https://github.com"}, reason: `it is on "github.com"`},
		"no run":               {env: []string{"GITHUB_ACTIONS="}, reason: "this is no run of a forge"},
		"no forge":             {env: []string{"GITHUB_API_URL=http://127.0.0.1:1"}, reason: `it is on "127.0.0.1:`},
		"a forge in the clear": {env: []string{"GITHUB_API_URL=http://forge.example"}, reason: "the token would go unencrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			was, env := g.t, g.env
			defer func() { g.t, g.env = was, env }()
			g.t = t
			g.with(row.env...)
			r.mu.Lock()
			r.run, r.said, r.status = run, said, row.status
			if row.run != nil {
				r.run = row.run
			}
			if row.said != nil {
				r.said = row.said
			}
			r.mu.Unlock()
			g.refused("approval", row.reason, nil)
		})
	}
	r.run, r.said, r.status = run, said, 0
	g.applied() // so that each of them was what was refused
}

// What destroys is approved by name, whoever let the run go on.
func TestTheForgeApprovesNoDestruction(t *testing.T) {
	g, r, _ := newReviewed(t)
	g.applied()
	g.write("penstock.yaml", g.yaml(append(byForge, "  store:", "  stateful: [terraform_data]\n  store:")...), guardedUnit+"/main.tf", strings.Replace(guardedCode, `resource "terraform_data" "two" {
  input = "two"
}
`, "", 1))
	commit := g.commit()
	c := g.sealed()
	if c.Manifest.Risk.Level != "destructive" {
		t.Fatalf("the risk is %s", c.Manifest.Risk.Level)
	}
	r.run = changed(r.run, "head_sha", commit)
	r.run["created_at"] = c.Envelope.Sealed.Add(time.Second).Format(time.RFC3339)
	g.refused("approval", "the risk is destructive: that is approved by name, with a signed record", nil)
	g.approve(c, "ines", g.approverPEM, c.Manifest.Risk.Addresses...)
	g.applied()
}

// Neither does a change choose the forge for itself.
func TestAChangeDoesNotChooseTheForge(t *testing.T) {
	g, r, _ := newReviewed(t)
	g.applied()
	g.write("penstock.yaml", g.yaml("approve: destructive", "approve: low\n      approvals: signed"))
	g.commit()
	g.write("penstock.yaml", g.yaml(byForge...), guardedUnit+"/dvlp.tfvars", "input = \"2\"\n")
	commit := g.commit()
	c := g.sealed("--base", "HEAD~1")
	r.run = changed(r.run, "head_sha", commit)
	r.run["created_at"] = c.Envelope.Sealed.Add(time.Second).Format(time.RFC3339)
	asked := r.asked
	g.refused("approval", "nobody has approved terraform_data.one", nil, "--base", "HEAD~1")
	if r.asked != asked {
		t.Error("the forge was asked")
	}
	g.applied() // once it is on the trunk
}

func changed(of map[string]any, key string, value any) map[string]any {
	other := map[string]any{}
	for k, v := range of {
		other[k] = v
	}
	other[key] = value
	return other
}
