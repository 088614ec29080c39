package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	ociserver "github.com/google/go-containerregistry/pkg/registry"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deploy"
	"github.com/penstock-dev/penstock/pipelines/internal/kubetest"
)

// lab is what deploys of the example need: a cluster's API, a registry and the program.
type lab struct {
	*kubetest.Cluster
	registry, penstock string
	// mirror holds the provider of AWS.
	mirror string
	spaces int
}

// newLab skips where anything of it is absent: nothing is released without all of it.
func newLab(t *testing.T) *lab {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: -short: examples/service was NOT released")
	}
	if _, _, missing := kubetest.Programs(); missing != "" {
		t.Skip("SKIPPED: " + missing + ": examples/service was NOT released")
	}
	for _, name := range []string{"bash", "git", "go", "helm", "kubectl", "terraform"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("SKIPPED: " + name + " is absent: examples/service was NOT released")
		}
	}
	c, err := kubetest.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	go c.Ready(t.Context(), nil) // nothing runs in the cluster: the test reports workloads as ready
	server := httptest.NewServer(ociserver.New(ociserver.Logger(log.New(io.Discard, "", 0)), ociserver.WithReferrersSupport(true)))
	t.Cleanup(server.Close)
	return &lab{Cluster: c, registry: strings.TrimPrefix(server.URL, "http://"), penstock: built(t)}
}

// site is the example as a repository of its own, with a bundle where the checkout has it.
type site struct {
	*testing.T
	lab        *lab
	root       string // of the service
	home       string
	parameters string // a directory of parameters, "" for SSM
	namespace  string
	env        []string
}

// newSite copies the example. fixture: with a bundle whose roots need no provider.
func (l *lab) newSite(t *testing.T, fixture bool) *site {
	t.Helper()
	dir := t.TempDir()
	l.spaces++
	s := &site{T: t, lab: l, root: filepath.Join(dir, "examples", "service"), home: filepath.Join(dir, "home"), namespace: fmt.Sprintf("shop-%d", l.spaces)}
	copied(t, "../../../examples/service", s.root)
	copied(t, "../../../bundle", filepath.Join(dir, "bundle"))
	if fixture {
		s.parameters = filepath.Join(dir, "parameters")
		s.fixture(filepath.Join(dir, "bundle", "terraform"))
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := l.Kubeconfig(kubeconfig, "", kubetest.Admin); err != nil {
		t.Fatal(err)
	}
	s.edit(kubeconfig, `(?m)^contexts: .*$`, "contexts: [{name: dvlp, context: {cluster: test, user: test}}, {name: pprd, context: {cluster: test, user: test}}]")
	s.edit(kubeconfig, `(?m)^current-context: .*$`, "")
	if err := l.Namespace(s.namespace); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.root, "penstock.yaml")
	s.edit(file, `localhost:5000`, l.registry)
	s.edit(file, `namespace: shop`, "namespace: "+s.namespace)
	s.edit(file, `(?m)^  smoke: .*$`, "") // nothing runs in the cluster that could answer
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.home, ".keep"), "")
	s.env = append(os.Environ(), "PATH="+filepath.Dir(l.penstock)+":"+os.Getenv("PATH"), "HOME="+s.home, "KUBECONFIG="+kubeconfig, "GOCACHE="+strings.TrimSpace(string(cache)),
		"GOPROXY=off", "GOTOOLCHAIN=local", "GITHUB_RUN_ID=", "GITHUB_ACTIONS=", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.invalid", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.invalid")
	s.sh("git init -q -b main .; git add .; git commit -qm orders")
	return s
}

// fixture puts roots in the place of the bundle's that need no provider: variables and
// contracts stay what they are.
func (s *site) fixture(terraform string) {
	s.Helper()
	err := filepath.WalkDir(terraform, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == "example" || entry.Name() == "tests") {
			return fs.SkipDir // the bundle is refused without them
		}
		if err == nil && !entry.IsDir() && filepath.Base(name) != "variables.tf" && filepath.Base(name) != "contract.yaml" {
			err = os.Remove(name)
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	copied(s.T, "testdata/deploy/terraform", terraform)
	for _, root := range []string{"service-iam", "service-iac"} {
		s.edit(filepath.Join(terraform, root, "main.tf"), "PARAMETERS", s.parameters)
	}
	write(s.T, filepath.Join(s.parameters, ".keep"), "")
}

func copied(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if err == nil {
			name, err = filepath.Rel(from, name)
		}
		if err == nil {
			write(t, filepath.Join(to, name), string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// edit replaces what has to be there.
func (s *site) edit(file, expression, by string) {
	s.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		s.Fatal(err)
	}
	re := regexp.MustCompile(expression)
	if !re.Match(text) {
		s.Fatalf("%s has no %q", file, expression)
	}
	if err := os.WriteFile(file, re.ReplaceAllLiteral(text, []byte(by)), 0o600); err != nil {
		s.Fatal(err)
	}
}

// try runs a script in the service's repository.
func (s *site) try(script string, env ...string) (code int, out, complaints string) {
	s.Helper()
	cmd := s.command(script, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		s.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func (s *site) command(script string, env ...string) *exec.Cmd {
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", s.local(script))
	cmd.Dir, cmd.Env = s.root, append(s.env, env...)
	return cmd
}

// bundles are the arguments behind which those follow that are of the test alone.
const bundles = "--bundle ../../bundle"

// local adds to commands what they would not need with a cloud and a registry of providers.
func (s *site) local(script string) string {
	var lines []string
	for _, line := range strings.Split(script, "\n") {
		switch {
		case s.parameters != "" && strings.Contains(line, "service-deploy"):
			line = strings.Replace(line, bundles, bundles+" --parameters "+s.parameters, 1)
		case s.parameters == "" && regexp.MustCompile(`service-(deploy|ia[mc])`).MatchString(line) && !strings.Contains(line, " seal "):
			line = strings.Replace(line, bundles, bundles+" --provider-mirror "+s.lab.mirror, 1)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// sh runs a script that has to succeed.
func (s *site) sh(script string, env ...string) string {
	s.Helper()
	started := time.Now()
	code, out, complaints := s.try(script, env...)
	if code != 0 {
		s.Fatalf("%s: exit %d\n%s%s", script, code, out, complaints)
	}
	s.Logf("%v: %.80s", time.Since(started).Round(100*time.Millisecond), script)
	return out
}

func (s *site) report(out, complaints string) *pipelines.Report {
	s.Helper()
	r := &pipelines.Report{}
	if err := json.Unmarshal([]byte(out), r); err != nil {
		s.Fatalf("there is no report: %v\n%s%s", err, out, complaints)
	}
	return r
}

// verdicts are what became of each part, in a line.
func verdicts(r *pipelines.Report) string {
	var said []string
	for _, result := range r.Results {
		said = append(said, result.Stage+" "+string(result.Verdict))
	}
	all, skipped := strings.Join(said, ", "), []string(nil)
	for _, skip := range r.Skipped {
		if slices.Contains(deploy.Parts, skip.Stage) {
			skipped = append(skipped, skip.Stage)
		}
	}
	if len(skipped) > 0 {
		all += "; skipped: " + strings.Join(skipped, ", ")
	}
	return all
}

// readme are the commands of the example's README.
func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../examples/service/README.md")
	if err != nil {
		t.Fatal(err)
	}
	return fenced(t, string(text), "sh")
}

// released says which image the cluster has, and how often its deployment was changed.
func (s *site) released() (image, generation string) {
	s.Helper()
	image, generation, _ = strings.Cut(s.sh("kubectl --context dvlp -n "+s.namespace+" get deployment orders -o jsonpath='{.spec.template.spec.containers[0].image} {.metadata.generation}'"), " ")
	return image, generation
}
