package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/penstock-dev/penstock/pipelines"
)

// office is as much of a forge as the program speaks to.
type office struct {
	mu       sync.Mutex
	comments []map[string]any
	// log is what was written: "POST /repos/o/r/check-runs {...}".
	log []string
	// withoutChecks refuses check runs, as GitHub does to the token of a person.
	withoutChecks bool
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	say := func(status int, body any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	body, _ := io.ReadAll(r.Body)
	var in map[string]any
	_ = json.Unmarshal(body, &in)
	if r.Method != http.MethodGet {
		o.log = append(o.log, r.Method+" "+r.URL.Path+" "+strings.TrimSpace(string(body)))
	}
	switch where := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/repos/o/r/"); {
	case r.Header.Get("Authorization") != "Bearer of-a-script":
		say(401, map[string]string{"message": "Bad credentials"})
	case where == "GET /user":
		say(200, map[string]any{"login": "anna", "id": 12})
	case where == "GET issues/7/comments":
		say(200, o.comments)
	case where == "POST issues/7/comments":
		o.comments = append(o.comments, map[string]any{"id": len(o.comments) + 1, "user": map[string]any{"id": 12}, "body": in["body"],
			"html_url": fmt.Sprintf("https://forge.example/o/r/pull/7#issuecomment-%d", len(o.comments)+1)})
		say(201, o.comments[len(o.comments)-1])
	case strings.HasPrefix(where, "PATCH issues/comments/"):
		var id int
		if _, err := fmt.Sscanf(where, "PATCH issues/comments/%d", &id); err != nil || id < 1 || id > len(o.comments) {
			say(404, map[string]string{"message": "Not Found"})
			return
		}
		o.comments[id-1]["body"] = in["body"]
		say(200, o.comments[id-1])
	case where == "POST check-runs" && !o.withoutChecks:
		say(201, map[string]any{"id": 3, "html_url": "https://forge.example/o/r/runs/3"})
	case strings.HasPrefix(where, "POST statuses/"):
		say(201, map[string]any{"id": 4})
	default:
		say(404, map[string]string{"message": "Not Found"})
	}
}

func TestForgeScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/forge",
		Setup: func(env *testscript.Env) error {
			o := &office{}
			server := httptest.NewServer(o)
			env.Defer(server.Close)
			env.Values["office"] = o
			env.Vars = append(env.Vars, "GITHUB_API_URL="+server.URL, "GITHUB_REPOSITORY=o/r", "GITHUB_TOKEN=of-a-script", "HOME="+env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// wrote N PATTERN: that many writes since the last time, and one of them matches.
			"wrote": func(ts *testscript.TestScript, _ bool, args []string) {
				o := ts.Value("office").(*office)
				o.mu.Lock()
				defer o.mu.Unlock()
				if got := fmt.Sprint(len(o.log)); got != args[0] {
					ts.Fatalf("%s writes: %q", got, o.log)
				}
				if all := strings.Join(o.log, "\n"); len(args) > 1 && !regexp.MustCompile(args[1]).MatchString(all) {
					ts.Fatalf("no match in %s", all)
				}
				o.log = nil
			},
			"without-checks": func(ts *testscript.TestScript, _ bool, _ []string) {
				o := ts.Value("office").(*office)
				o.mu.Lock()
				defer o.mu.Unlock()
				o.withoutChecks = true
			},
		},
	})
}

// A report of many findings is shown by the worst of them, and says how many more
// there are; what has no place that can be pointed at is in the page only.
func TestCheckOfAReport(t *testing.T) {
	r := &pipelines.Report{Stages: []string{"compliance"}, Selection: pipelines.Selection{Total: 1, Units: []pipelines.Unit{{Path: "a"}}}}
	result := pipelines.Result{Stage: "compliance", Unit: "a"}
	add := func(verdict pipelines.Verdict, severity pipelines.Severity, path, message string) {
		f := pipelines.Finding{Position: pipelines.Position{Path: path, Line: 3}, Rule: "r", Verdict: verdict, Severity: severity, Message: message}
		if verdict == pipelines.Waived {
			f.Waiver = &pipelines.Waiver{}
		}
		result.Findings = append(result.Findings, f)
	}
	for i := range 300 {
		add(pipelines.Fail, pipelines.Low, "a/main.tf", fmt.Sprint("low ", i))
	}
	for _, path := range []string{"", "../x.tf", "/etc/x.tf", "a/\x1b[2J.tf", "a/\n.tf"} {
		add(pipelines.Fail, pipelines.Critical, path, "nowhere")
	}
	add(pipelines.Unknown, pipelines.Critical, "a/main.tf", "not known")
	add(pipelines.Waived, pipelines.Critical, "a/main.tf", "excused")
	add(pipelines.Fail, pipelines.Critical, "a/main.tf", "the worst")
	r.Results = append(r.Results, result)
	r.Close()
	check, err := checkOf(r, "penstock", strings.Repeat("a", 40), "live")
	if err != nil {
		t.Fatal(err)
	}
	if len(check.Annotations) != shownAnnotations || check.Annotations[0].Message != "the worst" || check.Annotations[0].Path != "live/a/main.tf" {
		t.Errorf("%d annotations, the first is %+v", len(check.Annotations), check.Annotations[0])
	}
	for _, a := range check.Annotations {
		if a.Message == "nowhere" || a.Message == "excused" || a.Message == "not known" {
			t.Errorf("got %+v", a)
		}
	}
	if !strings.Contains(check.Summary, "102 more findings are not shown") || check.Conclusion != "failure" {
		t.Errorf("%s: %s", check.Conclusion, check.Summary)
	}
}

func TestConclusions(t *testing.T) {
	for verdict, want := range map[pipelines.Verdict]string{pipelines.Pass: "success", pipelines.Waived: "success", pipelines.Fail: "failure",
		pipelines.Unknown: "action_required", pipelines.NotRun: "failure"} {
		r := &pipelines.Report{Stages: []string{"compliance"}, Selection: pipelines.Selection{Total: 1, Units: []pipelines.Unit{{Path: "a"}}},
			Results: []pipelines.Result{{Stage: "compliance", Unit: "a", Verdict: verdict}}}
		r.Close()
		check, err := checkOf(r, "penstock", strings.Repeat("a", 40), ".")
		if err != nil || string(check.Conclusion) != want || !strings.HasPrefix(check.Title, verdict.String()+": ") {
			t.Errorf("%s: got %s, %q, %v", verdict, check.Conclusion, check.Title, err)
		}
	}
}
