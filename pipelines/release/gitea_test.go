package release

import (
	"bytes"
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
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/forge"
)

// gitea is a real forge on loopback, with its data in a temporary folder.
type gitea struct {
	*testing.T
	binary, dir, config, at, runs string
}

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
			t.Skip("SKIPPED: nothing was released to a real forge: there is no gitea; .ci/gitea builds it")
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
	g := &gitea{T: t, runs: current.Username, binary: binary, dir: t.TempDir(), at: fmt.Sprintf("http://127.0.0.1:%d", port)}
	g.config = filepath.Join(g.dir, "app.ini")
	text := fmt.Sprintf("RUN_USER = %[1]s\nI_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\nWORK_PATH = %[2]s\n[server]\nHTTP_ADDR = 127.0.0.1\nHTTP_PORT = %[3]d\nROOT_URL = %[4]s/\n"+
		"STATIC_ROOT_PATH = %[5]s\nDISABLE_SSH = true\nLFS_START_SERVER = false\n[database]\nDB_TYPE = sqlite3\nPATH = %[2]s/gitea.db\n[repository]\nROOT = %[2]s/repositories\n"+
		"[security]\nINSTALL_LOCK = true\nSECRET_KEY = of-a-test\nINTERNAL_TOKEN = of-a-test\nPASSWORD_HASH_ALGO = pbkdf2_v1\n[service]\nDISABLE_REGISTRATION = true\n"+
		"[actions]\nENABLED = false\n[indexer]\nISSUE_INDEXER_TYPE = db\n[cron]\nENABLED = false\n[log]\nLEVEL = Warn\nMODE = console\n",
		g.runs, g.dir, port, g.at, filepath.Join(filepath.Dir(g.binary), "gitea-files"))
	if err := os.WriteFile(g.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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
	for end := time.Now().Add(2 * time.Minute); ; {
		if answer, err := http.Get(g.at + "/api/v1/version"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return g
			}
		}
		if time.Now().After(end) {
			t.Fatal("gitea does not answer")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (g *gitea) command(args ...string) *exec.Cmd {
	cmd := exec.Command(g.binary, append(args, "--config", g.config)...)
	cmd.Env = []string{"HOME=" + g.dir, "PATH=" + os.Getenv("PATH"), "USER=" + g.runs, "GITEA_WORK_DIR=" + g.dir, "TMPDIR=" + g.dir}
	cmd.Dir = g.dir
	return cmd
}

// user creates a user and returns their token.
func (g *gitea) user(name string) string {
	g.Helper()
	out, err := g.command("admin", "user", "create", "--username", name, "--password", "of-a-test-1", "--email", name+"@example.invalid",
		"--must-change-password=false", "--access-token", "--access-token-scopes", "all").CombinedOutput()
	if err != nil {
		g.Fatalf("creating %s: %v\n%s", name, err, out)
	}
	for word := range strings.FieldsSeq(string(out)) {
		if len(word) == 40 {
			return word
		}
	}
	g.Fatalf("no token in %s", out)
	return ""
}

func (g *gitea) ask(token, path string, in any) {
	g.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		g.Fatal(err)
	}
	req, err := http.NewRequestWithContext(g.Context(), http.MethodPost, g.at+"/api/v1/"+path, bytes.NewReader(body))
	if err != nil {
		g.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+token)
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		g.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode >= 300 {
		g.Fatalf("%s: %s: %s", path, answer.Status, text)
	}
}

// Against a real forge, which is private and asks who it is: checks that are not green
// refuse, those of the run that releases do not count, and a push goes through its API's git.
func TestReleaseToGitea(t *testing.T) {
	g := startGitea(t)
	token := g.user("anna")
	g.ask(token, "user/repos", map[string]any{"name": "modules", "private": true, "default_branch": "main"})
	p := newPlace(t)
	p.remote = g.at + "/anna/modules.git"
	basic := base64.StdEncoding.EncodeToString([]byte("anna:" + token))
	p.git(p.dir, "config", "http."+g.at+"/.extraheader", "Authorization: Basic "+basic) // as actions/checkout does it
	p.git(p.dir, "push", "-q", p.remote, "HEAD:main")
	sha := p.git(p.dir, "rev-parse", "HEAD")
	f, err := forge.Open(forge.Options{Token: token, BaseURL: g.at + "/api/v1", Repository: "anna/modules"})
	if err != nil {
		t.Fatal(err)
	}
	own := g.at + "/anna/modules/actions/runs/7"
	status := func(name, state, url string) {
		g.ask(token, "repos/anna/modules/statuses/"+sha, map[string]string{"context": name, "state": state, "target_url": url})
	}
	r := p.tested()
	r.Forge, r.Self, r.Evidence = f, own, ""
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {}, "checks"}, // nothing has checked it
		{func() { status("release", "pending", own+"/jobs/0") }, "checks"}, // only this run
		{func() { status("other", "pending", own+"1/jobs/0") }, "checks"},
		{func() { status("other", "failure", "") }, "checks"},
		{func() { status("other", "success", ""); status("test", "error", "") }, "checks"},
	} {
		step.do()
		if o := p.run(r); rules(o) != step.want || o.Pushed {
			t.Errorf("got %q, want %q: %+v", rules(o), step.want, o.Refusals)
		}
	}
	status("test", "success", "")
	o := p.run(r)
	if !o.Pushed || len(o.Modules[0].record.Checks) != 2 || o.Modules[0].record.Evidence != nil {
		t.Fatalf("got %+v", o)
	}
	if verdict, found := p.verified(); verdict != pipelines.Pass {
		t.Errorf("verified: %s %v", verdict, found)
	}
	p.git(p.dir, "fetch", "-q", p.remote, "refs/tags/*:refs/tags/*")
	p.git(p.dir, "push", "-q", p.remote, ":refs/tags/modules/vpc/v0.1.0")
	if verdict, found := p.verified(); verdict != pipelines.Fail || fmt.Sprint(found) != "[tag-deleted]" {
		t.Errorf("verified: %s %v", verdict, found)
	}
	p.git(p.dir, "push", "-q", p.remote, "modules/vpc/v0.1.0")
	if verdict, found := p.verified(); verdict != pipelines.Pass {
		t.Errorf("brought back: %s %v", verdict, found)
	}
	foreign, err := forge.Open(forge.Options{Token: strings.Repeat("0", 40), BaseURL: g.at + "/api/v1", Repository: "anna/modules"})
	if err != nil {
		t.Fatal(err)
	}
	p.put("modules/vpc/b.tf", "resource \"terraform_data\" \"b\" {}\n")
	p.commit("feat: b")
	p.git(p.dir, "push", "-q", p.remote, "HEAD:main")
	r.Forge = foreign
	if _, err := r.Run(t.Context()); err == nil {
		t.Error("checks that cannot be asked for are not green")
	}
}
