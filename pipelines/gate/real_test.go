package gate

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// runs are the commands of those vectors that take more than init and plan.
var runs = map[string][]string{
	"local-exec": apply, "local-exec-json": apply, "local-exec-in-module": apply, "local-exec-in-override": apply, "resource-writes": apply,
	"module-absolute": apply, "module-git": apply, "module-in-override": apply,
	"terraformrc-in-home": {"terraform plan"}, "encryption-external": tofu, "template-string": tofu,
	"terragrunt-inputs": {"terragrunt plan"}, "terragrunt-run-cmd": {"terragrunt plan"}, "terragrunt-hook": {"terragrunt plan"}, "terragrunt-parent": {"terragrunt plan"},
}

var (
	plan  = []string{"terraform init", "terraform plan"}
	tofu  = []string{"tofu init", "tofu plan"}
	apply = []string{"terraform init", "terraform apply -auto-approve"}
)

// implied are run without a CLI configuration of ours, which alone would stop them.
var implied = map[string]bool{"plugins-beside-the-code": true, "terraformrc-in-home": true}

const secretText = "top-secret"

// bench is a repository with one vector, and what tells that it ran.
type bench struct {
	dir    string // with repo, outside, home
	marker string
	server *httptest.Server
	hits   *atomic.Int32
}

// newBench writes the files of a vector.
func newBench(t *testing.T, name string, files []txtar.File) bench {
	t.Helper()
	b := bench{dir: t.TempDir(), hits: &atomic.Int32{}}
	b.marker = filepath.Join(b.dir, "outside", "marker")
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		b.hits.Add(1)
		http.NotFound(w, nil)
	}))
	t.Cleanup(b.server.Close)
	platform := runtime.GOOS + "_" + runtime.GOARCH
	words := strings.NewReplacer("OUTSIDE", filepath.Join(b.dir, "outside"), "REPOSITORY", filepath.Join(b.dir, "repo"), "SERVER", b.server.URL)
	for _, f := range files {
		if path, ok := strings.CutPrefix(f.Name, name+"/"); ok {
			b.write(t, "repo/"+strings.ReplaceAll(path, "PLATFORM", platform), words.Replace(string(f.Data)))
		}
	}
	b.write(t, "outside/secret", secretText)
	b.write(t, "home/secret", secretText)
	b.write(t, "outside/module/main.tf", "resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" {\n    command = \"echo started > $MARKER\"\n  }\n}\n")
	for _, provider := range []string{"evil", "external"} { // a program that only tells that it was started
		b.write(t, fmt.Sprintf("mirror/registry.terraform.io/hashicorp/%[1]s/1.0.0/%[2]s/terraform-provider-%[1]s_v1.0.0", provider, platform),
			"#!/bin/sh\necho started > $MARKER\n")
	}
	real, _ := os.UserCacheDir()
	b.write(t, "home/cli.tfrc", fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n  filesystem_mirror {\n    path = %q\n  }\n}\n",
		filepath.Join(b.dir, "mirror"), filepath.Join(real, "penstock", "providers")))
	for _, argv := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"}} {
		out := b.run(t, filepath.Join(b.dir, "outside", "module"), "git "+strings.Join(argv, " "), false)
		if strings.Contains(out, "fatal") {
			t.Fatal(out)
		}
	}
	return b
}

func (b bench) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(b.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if target, link := strings.CutPrefix(content, "-> "); link {
		if err := os.Symlink(strings.TrimSpace(target), path); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

// run runs a command line and returns what it printed.
func (b bench) run(t *testing.T, dir, line string, ownHome bool) string {
	t.Helper()
	argv := strings.Fields(line)
	program, err := find(argv[0])
	if err != nil {
		t.Skipf("%s is not on this machine", argv[0])
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "MARKER=" + b.marker, "HOME=" + filepath.Join(b.dir, "home"), "CHECKPOINT_DISABLE=1",
		"TF_IN_AUTOMATION=1", "TF_INPUT=0", "SECRET=" + secretText, "TG_TF_PATH=terraform", "GIT_CONFIG_GLOBAL=/dev/null"}
	if ownHome {
		env = append(env, "HOME="+dir)
	} else {
		env = append(env, "TF_CLI_CONFIG_FILE="+filepath.Join(b.dir, "home", "cli.tfrc"))
	}
	out, err := process.Run(t.Context(), process.Command{Argv: append([]string{program}, argv[1:]...), Dir: dir, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	return string(out.Stdout) + string(out.Stderr)
}

// find looks on PATH and in the cache of the house.
func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return exec.LookPath(filepath.Join(cache, "penstock", "bin", program))
}

// executes runs terraform on the vector, and says whether it did its harm.
func (b bench) executes(t *testing.T, name string) (bool, string) {
	t.Helper()
	steps := runs[name]
	if steps == nil {
		steps = plan
	}
	var all bytes.Buffer
	for _, step := range steps {
		all.WriteString(b.run(t, filepath.Join(b.dir, "repo", "unit"), step, implied[name]))
	}
	_, err := os.Stat(b.marker)
	return err == nil || b.hits.Load() > 0 || strings.Contains(all.String(), secretText), all.String()
}

// TestVectorsAreReal runs each vector without the gate, which must do its harm, and
// behind the gate, where nothing of it may run.
func TestVectorsAreReal(t *testing.T) {
	for _, program := range []string{"terraform", "git"} {
		if _, err := find(program); err != nil {
			t.Skipf("%s is not on this machine", program)
		}
	}
	archive, err := txtar.ParseFile("testdata/real.txtar")
	if err != nil {
		t.Fatal(err)
	}
	allow := allowed
	allow.Modules = nil
	var vectors, without, behind int
	seen := map[string]bool{}
	for _, f := range archive.Files {
		name, _, _ := strings.Cut(f.Name, "/")
		if seen[name] {
			continue
		}
		seen[name] = true
		t.Run(name, func(t *testing.T) {
			open, gated := newBench(t, name, archive.Files), newBench(t, name, archive.Files)
			did, out := open.executes(t, name)
			if !did {
				t.Fatalf("it does no harm, so it proves nothing:\n%s", out)
			}
			vectors++
			without++
			findings, err := Judge(os.DirFS(filepath.Join(gated.dir, "repo")), "unit", allow)
			if err != nil {
				t.Fatal(err)
			}
			if len(findings) > 0 {
				return // refused: nothing is run
			}
			if did, out := gated.executes(t, name); did {
				behind++
				t.Errorf("the gate let it through:\n%s", out)
			}
			t.Errorf("it is not refused")
		})
	}
	t.Logf("%d vectors: %d executed without the gate, %d executed behind it", vectors, without, behind)
}
