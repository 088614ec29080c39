package forge

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// gitea is a real forge on loopback, with its data in a temporary folder.
type gitea struct {
	t                       *testing.T
	binary, dir, config, at string
	// runs is the user of the system that it runs as: it refuses to be another.
	runs string
}

// startGitea starts a Gitea, or skips the test where there is none.
func startGitea(t *testing.T) *gitea {
	t.Helper()
	binary, err := exec.LookPath("gitea")
	if err != nil {
		cache := os.Getenv("PENSTOCK_CACHE")
		if home, err := os.UserHomeDir(); cache == "" && err == nil {
			cache = filepath.Join(home, ".cache", "penstock")
		}
		binary = filepath.Join(cache, "bin", "gitea")
		if _, err := os.Stat(binary); err != nil {
			t.Skip("SKIPPED: nothing was tried on a real forge: there is no gitea; .ci/gitea builds it")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	current, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	g := &gitea{t: t, runs: current.Username, binary: binary, dir: t.TempDir(), at: fmt.Sprintf("http://127.0.0.1:%d", port)}
	g.config = filepath.Join(g.dir, "app.ini")
	g.write(port)
	serve := g.command("web")
	log := &bytes.Buffer{}
	serve.Stdout, serve.Stderr = log, log
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Signal(os.Interrupt)
		_ = serve.Wait()
		if t.Failed() {
			t.Logf("gitea said:\n%s", log)
		}
	})
	g.await()
	return g
}

func (g *gitea) write(port int) {
	text := fmt.Sprintf(`RUN_USER = %[1]s
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = %[2]s
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[3]d
ROOT_URL = %[4]s/
STATIC_ROOT_PATH = %[5]s
DISABLE_SSH = true
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = %[2]s/gitea.db
[repository]
ROOT = %[2]s/repositories
[security]
INSTALL_LOCK = true
SECRET_KEY = of-a-test
INTERNAL_TOKEN = of-a-test
PASSWORD_HASH_ALGO = pbkdf2_v1
[service]
DISABLE_REGISTRATION = true
[actions]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
[cron]
ENABLED = false
[log]
LEVEL = Warn
MODE = console
`, g.runs, g.dir, port, g.at, filepath.Join(filepath.Dir(g.binary), "gitea-files"))
	if err := os.WriteFile(g.config, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// command runs gitea with an environment of its own.
func (g *gitea) command(args ...string) *exec.Cmd {
	cmd := exec.Command(g.binary, append(args, "--config", g.config)...)
	cmd.Env = []string{"HOME=" + g.dir, "PATH=" + os.Getenv("PATH"), "USER=" + g.runs, "GITEA_WORK_DIR=" + g.dir, "TMPDIR=" + g.dir}
	cmd.Dir = g.dir
	return cmd
}

// await waits until the API answers.
func (g *gitea) await() {
	ctx, cancel := context.WithTimeout(g.t.Context(), 2*time.Minute)
	defer cancel()
	for {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, g.at+"/api/v1/version", nil)
		if answer, err := http.DefaultClient.Do(req); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			g.t.Fatal("gitea does not answer")
		}
	}
}

// user creates a user and returns their token.
func (g *gitea) user(name string) string {
	g.t.Helper()
	out, err := g.command("admin", "user", "create", "--username", name, "--password", "of-a-test-1", "--email", name+"@example.invalid",
		"--must-change-password=false", "--access-token", "--access-token-scopes", "all").CombinedOutput()
	if err != nil {
		g.t.Fatalf("creating %s: %v\n%s", name, err, out)
	}
	for word := range strings.FieldsSeq(string(out)) {
		if len(word) == 40 {
			return word
		}
	}
	g.t.Fatalf("no token in %s", out)
	return ""
}

// ask sends what the package under test does not, and decodes the answer.
func (g *gitea) ask(token, method, path string, in, out any) {
	g.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		g.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.at+"/api/v1/"+path, bytes.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+token)
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode >= 300 {
		g.t.Fatalf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			g.t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
}

func (g *gitea) forge(token string) *Forge {
	g.t.Helper()
	f, err := Open(Options{Token: token, BaseURL: g.at + "/api/v1", Repository: "anna/live"})
	if err != nil {
		g.t.Fatal(err)
	}
	return f
}

// commitFile puts a file on a new branch.
func (g *gitea) commitFile(token, repository, branch, file string) {
	g.t.Helper()
	g.ask(token, "POST", "repos/"+repository+"/contents/"+file, object{"content": base64.StdEncoding.EncodeToString([]byte("x")),
		"message": "add " + file, "branch": "main", "new_branch": branch}, nil)
}

// TestOnGitea does everything that Gitea has on a real one.
func TestOnGitea(t *testing.T) {
	g := startGitea(t)
	anna, mallory := g.user("anna"), g.user("mallory")
	g.ask(anna, "POST", "user/repos", object{"name": "live", "auto_init": true, "default_branch": "main"}, nil)
	g.commitFile(anna, "anna/live", "topic", "a.tf")
	var own struct{ Number int }
	g.ask(anna, "POST", "repos/anna/live/pulls", object{"title": "own", "head": "topic", "base": "main"}, &own)

	t.Run("Comment", func(t *testing.T) { commentOnGitea(t, g, anna, mallory, own.Number) })
	t.Run("Issue", func(t *testing.T) { issueOnGitea(t, g, anna, mallory) })
	t.Run("Check", func(t *testing.T) { checkOnGitea(t, g, anna) })
	t.Run("Refusals", func(t *testing.T) { refusalsOnGitea(t, g, own.Number) })
}

func commentOnGitea(t *testing.T, g *gitea, anna, mallory string, pull int) {
	path := fmt.Sprintf("repos/anna/live/issues/%d/comments", pull)
	g.ask(mallory, "POST", path, object{"body": marker + "\nforged"}, nil)
	f := g.forge(anna)
	for _, c := range []struct {
		body string
		want Done
	}{{"one", Created}, {"one", Unchanged}, {"two, | with ünïcode 🚀\r\nand lines", Updated}, {"two, | with ünïcode 🚀\nand lines\n", Unchanged}} {
		w, err := f.Comment(t.Context(), pull, marker, c.body)
		if err != nil || w.Done != c.want || !strings.HasPrefix(w.URL, g.at) {
			t.Errorf("%q: got %+v, %v, want %s", c.body, w, err, c.want)
		}
	}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if _, err := g.forge(anna).Comment(t.Context(), pull, "<!-- penstock:other -->", fmt.Sprint("run ", i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var list []struct {
		Body string
		User struct{ Login string }
	}
	g.ask(anna, "GET", path, nil, &list)
	counts := map[string]int{}
	for _, c := range list {
		has, _ := MarkerOf(c.Body)
		counts[c.User.Login+" "+has]++
	}
	if len(list) != 3 || counts["anna "+marker] != 1 || counts["anna <!-- penstock:other -->"] != 1 || list[0].Body != marker+"\nforged" {
		t.Errorf("the comments are %+v", list)
	}
}

func issueOnGitea(t *testing.T, g *gitea, anna, mallory string) {
	f := g.forge(anna)
	drift := Issue{Key: "live/dvlp/network@dvlp", Title: "live/dvlp/network drifted", Body: "one"}
	g.ask(mallory, "POST", "repos/anna/live/issues", object{"title": "forged", "body": drift.marker()}, nil)
	for n, c := range []struct {
		open bool
		body string
		want Done
	}{{false, "nothing", Unchanged}, {true, "one", Created}, {true, "one", Unchanged}, {true, "two", Updated}, {false, "put right", Closed},
		{false, "put right", Unchanged}, {true, "two", Reopened}} {
		drift.Open, drift.Body = c.open, c.body
		if w, err := f.Issue(t.Context(), drift); err != nil || w.Done != c.want {
			t.Errorf("step %d: got %+v, %v, want %s", n, w, err, c.want)
		}
	}
	other := Issue{Key: "live/dvlp/db@dvlp", Title: "another", Body: "x", Open: true}
	if w, err := f.Issue(t.Context(), other); err != nil || w.Done != Created {
		t.Errorf("got %+v, %v", w, err)
	}
	var list []struct {
		Number, Comments   int
		Title, Body, State string
	}
	g.ask(anna, "GET", "repos/anna/live/issues?type=issues&state=all&labels="+DriftLabel+"&sort=oldest", nil, &list)
	if len(list) != 2 {
		t.Fatalf("the issues are %+v", list)
	}
	for _, i := range list {
		if i.State != "open" || i.Title == drift.Title && (i.Comments != 1 || i.Body != drift.marker()+"\ntwo") {
			t.Errorf("got %+v", i)
		}
	}
}

func checkOnGitea(t *testing.T, g *gitea, anna string) {
	f := g.forge(anna)
	var branch struct{ Commit struct{ ID string } }
	g.ask(anna, "GET", "repos/anna/live/branches/topic", nil, &branch)
	for _, c := range []struct {
		conclusion Conclusion
		state      string
	}{{Failed, "failure"}, {ActionRequired, "failure"}, {Success, "success"}} {
		w, err := f.Check(t.Context(), CheckRun{SHA: branch.Commit.ID, Name: "penstock", Conclusion: c.conclusion, Title: "3 units", Summary: "all of it"})
		if err != nil || !strings.Contains(w.Note, "commit status") {
			t.Fatalf("got %+v, %v", w, err)
		}
		var now struct {
			State    string
			Statuses []struct{ Context, Description string }
		}
		g.ask(anna, "GET", "repos/anna/live/commits/"+branch.Commit.ID+"/status", nil, &now)
		if now.State != c.state || len(now.Statuses) != 1 || now.Statuses[0].Context != "penstock" || now.Statuses[0].Description != "3 units" {
			t.Errorf("%s: got %+v", c.conclusion, now)
		}
	}
}

func refusalsOnGitea(t *testing.T, g *gitea, pull int) {
	f := g.forge("0123456789012345678901234567890123456789")
	if _, err := f.Comment(t.Context(), pull, marker, "x"); status(err) != http.StatusUnauthorized {
		t.Errorf("got %v", err)
	}
	if _, err := g.forge(g.user("eve")).Check(t.Context(), CheckRun{SHA: strings.Repeat("0", 40), Name: "penstock", Conclusion: Success}); err == nil {
		t.Error("a stranger set the status of a commit")
	}
	if _, err := g.forge(g.user("olga")).Comment(t.Context(), 4242, marker, "x"); err == nil {
		t.Error("there is no such pull request")
	}
}
