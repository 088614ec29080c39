package release

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// site is a bare repository, the clone that releases, and the address between them.
type site struct {
	*testing.T
	bare, dir, remote string
}

const vpc = "variable \"name\" {\n  type = string\n}\nresource \"terraform_data\" \"a\" {}\n"

// newPlace has one module on main, which is pushed.
func newPlace(t *testing.T) *site {
	t.Helper()
	for name, value := range map[string]string{"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.invalid",
		"GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.invalid"} {
		t.Setenv(name, value)
	}
	top := t.TempDir()
	p := &site{T: t, bare: filepath.Join(top, "origin.git"), dir: filepath.Join(top, "clone"), remote: "origin"}
	p.git(top, "init", "-q", "--bare", "-b", "main", p.bare)
	p.git(p.bare, "config", "http.receivepack", "true")
	p.git(top, "init", "-q", "-b", "main", p.dir)
	p.git(p.dir, "remote", "add", "origin", p.bare)
	p.put("modules/vpc/main.tf", vpc)
	p.commit("feat: vpc")
	p.push()
	return p
}

func (p *site) git(dir string, args ...string) string {
	p.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (p *site) put(name, text string) {
	p.Helper()
	full := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		p.Fatal(err)
	}
}

func (p *site) commit(message string) string {
	p.Helper()
	p.git(p.dir, "add", "--all")
	p.git(p.dir, "commit", "-q", "--allow-empty", "--cleanup=verbatim", "-m", message)
	return p.git(p.dir, "rev-parse", "HEAD")
}

func (p *site) push() { p.Helper(); p.git(p.dir, "push", "-q", p.bare, "HEAD:main") }

// change commits and pushes another resource of the module.
func (p *site) change(name string) string {
	p.Helper()
	p.put("modules/vpc/"+name+".tf", "resource \"terraform_data\" \""+name+"\" {}\n")
	commit := p.commit("chore: " + name)
	p.push()
	return commit
}

// report writes evidence for units at a commit.
func (p *site) report(edit func(*pipelines.Report), units ...string) string {
	p.Helper()
	r := &pipelines.Report{Stages: []string{EvidenceStage}, Selection: pipelines.Selection{Schema: pipelines.SelectionSchema, Head: p.git(p.dir, "rev-parse", "HEAD"), Total: len(units)}}
	for _, unit := range units {
		r.Selection.Units = append(r.Selection.Units, pipelines.Unit{Path: unit, Kind: pipelines.Module})
		r.Results = append(r.Results, pipelines.Result{Stage: EvidenceStage, Unit: unit, Verdict: pipelines.Pass})
	}
	if edit != nil {
		edit(r)
	}
	r.Close()
	text, err := json.Marshal(r)
	if err != nil {
		p.Fatal(err)
	}
	file := filepath.Join(p.TempDir(), "report.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		p.Fatal(err)
	}
	return file
}

// tested is a release of the head, with evidence for the modules.
func (p *site) tested(units ...string) Release {
	p.Helper()
	if len(units) == 0 {
		units = []string{"modules/vpc"}
	}
	return Release{Root: p.dir, Remote: p.remote, Evidence: p.report(nil, units...), Penstock: "test"}
}

func (p *site) run(r Release) *Outcome {
	p.Helper()
	o, err := r.Run(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	return o
}

// released runs a release that has to succeed.
func (p *site) released(units ...string) *Outcome {
	p.Helper()
	o := p.run(p.tested(units...))
	if o.Verdict != pipelines.Pass || !o.Pushed {
		p.Fatalf("it was not released: %+v", o)
	}
	return o
}

// refs are all refs of the bare repository.
func (p *site) refs() string { p.Helper(); return p.git(p.bare, "for-each-ref") }

// rules are those of the refusals.
func rules(o *Outcome) string {
	var list []string
	for _, r := range o.Refusals {
		list = append(list, r.Rule)
	}
	return strings.Join(list, " ")
}

// verified returns the rules of what release verify finds.
func (p *site) verified() (pipelines.Verdict, []string) {
	p.Helper()
	r, err := Verify{Dir: p.dir, Remote: p.remote}.Run(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	var list []string
	for _, result := range r.Results {
		for _, f := range result.Findings {
			list = append(list, f.Rule)
		}
	}
	return r.Verdict, list
}

// server is git http-backend on loopback; cut may be set to break pushes.
type server struct {
	*httptest.Server
	cut atomic.Value
	// pushes counts what was asked for.
	pushes atomic.Int32
}

// serve puts the bare repository behind git's own HTTP server.
func (p *site) serve() *server {
	p.Helper()
	path := strings.TrimSpace(p.git(".", "--exec-path"))
	backend := filepath.Join(path, "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		p.Skip("SKIPPED: there is no git http-backend: nothing was pushed over HTTP")
	}
	handler := &cgi.Handler{Path: backend, Dir: p.bare, Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(p.bare), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1",
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.TempDir()}, Stderr: io.Discard}
	s := &server{}
	s.cut.Store("")
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
			handler.ServeHTTP(w, r)
			return
		}
		s.pushes.Add(1)
		body, _ := io.ReadAll(r.Body) // of a test: small
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		switch s.cut.Load() {
		case "request": // half of what was sent arrives, and no more
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body[:len(body)/2])), int64(len(body)/2)
			handler.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case "answer": // all of it arrives, and nobody hears of it
			handler.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		handler.ServeHTTP(w, r)
	}))
	p.Cleanup(s.Close)
	p.remote = s.URL + "/origin.git"
	return s
}
