package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/penstock-dev/penstock/pipelines/forge"
)

// tracker is GitHub's issues, as far as drift uses them.
type tracker struct {
	mu     sync.Mutex
	issues []map[string]any
	// log is what was written: "POST issues {...}".
	log []string
}

func (k *tracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	say := func(status int, body any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	if r.Header.Get("Authorization") != "Bearer of-a-script" {
		say(401, map[string]any{"message": "Bad credentials"})
		return
	}
	where := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/repos/o/r/")
	if r.Method != http.MethodGet {
		text, _ := json.Marshal(in)
		k.log = append(k.log, where+" "+string(text))
	}
	me := map[string]any{"login": "bot", "id": 12}
	number := 0
	_, _ = fmt.Sscanf(r.URL.Path, "/repos/o/r/issues/%d", &number)
	switch {
	case where == "GET /user":
		say(200, me)
	case where == "GET issues":
		say(200, k.issues)
	case where == "POST issues":
		k.issues = append(k.issues, map[string]any{"number": len(k.issues) + 1, "state": "open", "title": in["title"], "body": in["body"], "user": me,
			"labels": []any{map[string]any{"name": forge.DriftLabel}}})
		say(201, k.issues[len(k.issues)-1])
	case r.Method == http.MethodPatch && number > 0 && number <= len(k.issues):
		for name, value := range in {
			k.issues[number-1][name] = value
		}
		say(200, k.issues[number-1])
	case strings.HasPrefix(where, "GET issues/") && strings.HasSuffix(where, "/comments"):
		say(200, []any{})
	case strings.HasPrefix(where, "POST issues/") && strings.HasSuffix(where, "/comments"):
		say(201, map[string]any{"id": 7, "user": me, "body": in["body"]})
	default:
		say(404, map[string]any{"message": "Not Found"})
	}
}

// localMirror is a filesystem mirror with the local provider.
func localMirror(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("SKIPPED: terraform is not on PATH")
	}
	dir := os.Getenv("PENSTOCK_TEST_PROVIDERS")
	if dir == "" {
		cache := os.Getenv("PENSTOCK_CACHE")
		if home, err := os.UserHomeDir(); cache == "" && err == nil {
			cache = filepath.Join(home, ".cache", "penstock")
		}
		dir = filepath.Join(cache, "providers")
	}
	if _, err := os.Stat(filepath.Join(dir, "registry.terraform.io/hashicorp/local")); err != nil {
		t.Skip("SKIPPED: there is no local provider in " + dir + ": run .ci/providers")
	}
	return dir
}

func TestDriftScripts(t *testing.T) {
	mirror := localMirror(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/drift",
		Setup: func(env *testscript.Env) error {
			k := &tracker{}
			server := httptest.NewServer(k)
			env.Defer(server.Close)
			env.Values["tracker"] = k
			config := filepath.Join(env.WorkDir, "terraform.rc")
			// As if it had been fetched before: the commands stay as people type them.
			const local = "registry.terraform.io/hashicorp/local"
			kept := filepath.Join(env.WorkDir, ".cache/penstock/terraform-providers/kept/providers", local)
			if err := os.CopyFS(kept, os.DirFS(filepath.Join(mirror, local))); err != nil {
				return err
			}
			env.Vars = append(env.Vars, "GITHUB_API_URL="+server.URL, "GITHUB_REPOSITORY=o/r", "GITHUB_TOKEN=of-a-script", "HOME="+env.WorkDir,
				"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.invalid", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.invalid", "GIT_CONFIG_NOSYSTEM=1",
				"TF_CLI_CONFIG_FILE="+config, "TF_VAR_world="+filepath.Join(env.WorkDir, "world"))
			return os.WriteFile(config, fmt.Appendf(nil, "provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// wrote N PATTERN: that many writes to the forge since the last time, and one of them matches.
			"wrote": func(ts *testscript.TestScript, _ bool, args []string) {
				k := ts.Value("tracker").(*tracker)
				k.mu.Lock()
				defer k.mu.Unlock()
				all := strings.Join(k.log, "\n")
				if got := fmt.Sprint(len(k.log)); got != args[0] || len(args) > 1 && !regexp.MustCompile(args[1]).MatchString(all) {
					ts.Fatalf("%s writes:\n%s", got, all)
				}
				k.log = nil
			},
		},
	})
}

// Every command of the documentation is one that the script runs.
func TestDriftDocumentationRuns(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/drift.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/drift/drift.txtar")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^penstock drift[^#\n]*`).FindAllString(string(doc), -1)
	if len(commands) < 8 {
		t.Fatalf("the documentation has %q", commands)
	}
	for _, command := range commands {
		if !regexp.MustCompile(`(?m)^exits \d ` + regexp.QuoteMeta(strings.TrimSpace(command)) + `$`).Match(script) {
			t.Errorf("no script runs %q", command)
		}
	}
}
