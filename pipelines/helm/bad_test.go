package helm

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/kubetest"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

func TestClusterNotReachable(t *testing.T) {
	s := newShop(t)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	if err := s.cluster.Kubeconfig(s.kubeconfig, closed.URL, kubetest.Admin); err != nil {
		t.Fatal(err)
	}
	o := s.want(s.deploy(), pipelines.NotRun)
	s.says(o, "precheck: not run", "hint: look at the server of the kubeconfig's context", `upgrade: skipped, it comes after "precheck"`)
	if code := o.Report.Verdict.ExitCode(); code != pipelines.ExitNotRun {
		t.Errorf("exit code %d", code)
	}
}

func TestContextAndNamespaceThatAreNotThere(t *testing.T) {
	s := newShop(t)
	s.config.Service.Environments[0].Cluster.Context = "nope"
	s.says(s.want(s.deploy(), pipelines.NotRun), `context "nope" does not exist`, "hint: set cluster.context")
	s.config.Service.Environments[0].Cluster.Context = "test"
	s.config.Service.Namespace = "nowhere"
	s.says(s.want(s.deploy(), pipelines.NotRun), `the cluster has no namespace "nowhere"`, "hint: ask the platform team")
}

// A role that may do nothing is told so; one that may work in its namespace alone can deploy.
func TestAccess(t *testing.T) {
	s := newShop(t)
	if err := s.cluster.Kubeconfig(s.kubeconfig, "", kubetest.Squad); err != nil {
		t.Fatal(err)
	}
	s.says(s.want(s.deploy(), pipelines.NotRun), "is forbidden", "hint: ask the platform team for the rights")
	rbac := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + s.namespace
	role := `{"metadata":{"name":"squad"},"rules":[{"apiGroups":["","apps","batch"],"resources":["configmaps","secrets","services","deployments","replicasets","pods","jobs"],"verbs":["*"]}]}`
	binding := `{"metadata":{"name":"squad"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"squad"},"subjects":[{"kind":"User","name":"squad"}]}`
	for path, body := range map[string]string{rbac + "/roles": role, rbac + "/rolebindings": binding} {
		if err := s.cluster.Create(path, body); err != nil {
			t.Fatal(err)
		}
	}
	o := s.want(s.deploy(), pipelines.Pass)
	s.says(o, "whether the namespace")
	if s.deployment() == nil {
		t.Error("it was not deployed")
	}
}

func TestValuesThatTheChartRefuses(t *testing.T) {
	s := newShop(t)
	s.write("dvlp-"+OwnValues, "replicsa: 3\n")
	s.says(s.want(s.deploy(), pipelines.Fail), "[template/rendered]", "replicsa")
	s.write("dvlp-"+OwnValues, "config:\n  DEBUG: yes\n")
	s.says(s.want(s.deploy(), pipelines.Fail), "dvlp-helm_values.yaml:2 [values/readable] the value yes is a boolean to helm")
	s.write("dvlp-"+OwnValues, "config:\n  PORT: 8080\n")
	s.says(s.want(s.deploy(), pipelines.Fail), "dvlp-helm_values.yaml:2 [values/readable] config.PORT is not text")
	if len(s.revisions()) != 0 {
		t.Error("something was deployed")
	}
}

// What the API server would not take is found before anything is changed.
func TestAdmissionIsAskedFirst(t *testing.T) {
	s := newShop(t)
	s.want(s.deploy(), pipelines.Pass)
	s.write("dvlp-"+OwnValues, "labels: {bad: \"no label value!\"}\n")
	s.says(s.want(s.deploy(), pipelines.Fail), "[dry-run/admission]", "hint", "diff: skipped")
	if n := len(s.revisions()); n != 1 {
		t.Errorf("%d revisions", n)
	}
}

func TestThirdPartyChart(t *testing.T) {
	s := newShop(t)
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := "oci://" + strings.TrimPrefix(server.URL, "http://") + "/charts"
	dir := t.TempDir()
	pinned := pushed(t, dir, host, true)
	s.write(OwnValues, "port: 8080\n")
	s.config.Service.Chart = config.Chart{Name: "http-service", Repository: host, Version: "1.0.0"}
	s.says(s.want(s.deploy(), pipelines.Fail), "is not pinned")
	s.config.Service.Chart.Digest = "sha256:" + strings.Repeat("0", 64)
	o := s.want(s.deploy(), pipelines.Fail)
	s.says(o, "[chart/pinned]", "has the digest "+pinned, "somebody published another chart")
	s.config.Service.Chart.Digest = pinned
	s.want(s.deploy(), pipelines.Pass)
	if d := s.deployment(); d.Spec.Replicas != 3 || d.Metadata.Labels["platform"] != "" {
		t.Errorf("the platform's defaults count for another's chart: %+v", d)
	}

	bare := pushed(t, t.TempDir(), host+"/bare", false)
	s.config.Service.Chart = config.Chart{Name: "http-service", Repository: host + "/bare", Version: "1.0.0", Digest: bare}
	s.says(s.want(s.deploy(), pipelines.Fail), "no values.schema.json", "chart.no_schema")
	s.config.Service.Chart.NoSchema = "upstream has none"
	s.says(s.want(s.deploy(), pipelines.Pass), "accepted because: upstream has none")
	server.Close()
	o = s.deploy()
	s.says(s.want(o, pipelines.NotRun), "chart: not run", "fetching the chart")
}

// A repository of the older kind has an index, over https; on loopback http will do.
func TestThirdPartyChartOfAnIndex(t *testing.T) {
	s := newShop(t)
	dir := t.TempDir()
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	pinned := packed(t, dir, true)
	if out, err := exec.Command("helm", "repo", "index", dir, "--url", server.URL).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.write(OwnValues, "port: 8080\n")
	s.config.Service.Chart = config.Chart{Name: "http-service", Repository: server.URL, Version: "1.0.0", Digest: pinned}
	s.want(s.deploy(), pipelines.Pass)
	archive := filepath.Join(dir, "http-service-1.0.0.tgz")
	if err := os.Truncate(archive, 100); err != nil {
		t.Fatal(err)
	}
	if o := s.deploy(); o.Report.Verdict == pipelines.Pass {
		t.Errorf("a truncated archive:\n%s", told(o))
	}
	s.config.Service.Chart.Version = "9.9.9"
	s.says(s.want(s.deploy(), pipelines.Fail), "fetching the chart", "9.9.9")
	s.config.Service.Chart.Repository = "ftp://x"
	s.says(s.want(s.deploy(), pipelines.Fail), "allowed are oci:// and https://")
}

// pushed packs the chart of the tests and pushes it; it returns its digest.
func pushed(t *testing.T, dir, host string, schema bool) string {
	t.Helper()
	pinned := packed(t, dir, schema)
	if out, err := exec.Command("helm", "push", filepath.Join(dir, "http-service-1.0.0.tgz"), host, "--plain-http").CombinedOutput(); err != nil {
		t.Fatalf("helm push: %v\n%s", err, out)
	}
	return pinned
}

// packed makes an archive of the chart; it returns its digest.
func packed(t *testing.T, dir string, schema bool) string {
	t.Helper()
	chart := filepath.Join(t.TempDir(), "http-service")
	if err := os.CopyFS(chart, os.DirFS("testdata/bundle/charts/http-service")); err != nil {
		t.Fatal(err)
	}
	if !schema {
		if err := os.Remove(filepath.Join(chart, "values.schema.json")); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("helm", "package", chart, "--destination", dir).CombinedOutput(); err != nil {
		t.Fatalf("helm package: %v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "http-service-1.0.0.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256(text))
}

// A second deploy at the same time is refused, with who is at work and for how long.
func TestSecondDeployIsRefused(t *testing.T) {
	s := newShop(t)
	s.hold(true)
	r := s.start()
	s.until("a pending release", func() bool { return r.ended() || strings.HasPrefix(s.status(), "pending") })
	o := s.want(s.deploy(), pipelines.NotRun)
	s.says(o, "lease: not run", "is being changed by run ", "of tester", "last heard of", "wait for that run to end")
	s.says(s.want(s.rollback(0), pipelines.NotRun), "is being changed by run ")
	dry := s.deploying()
	dry.DryRun = true
	s.says(s.want(s.done(dry.Do(t.Context())), pipelines.Fail), "the release is being changed by", "[lease/pending] revision 1 is pending-install")
	s.hold(false)
	s.until("the end of the first", r.ended)
	if !r.cmd.ProcessState.Success() {
		t.Errorf("the first said:\n%s", r.out.String())
	}
	s.want(s.deploy(), pipelines.Pass)
}

// What a stranger left pending is not touched: nobody knows whether they are at work.
func TestStrangersPendingReleaseIsLeftAlone(t *testing.T) {
	s := newShop(t)
	s.want(s.deploy(), pipelines.Pass)
	s.hold(true)
	stranger := exec.Command("helm", "upgrade", "orders", "testdata/bundle/charts/http-service", "--namespace", s.namespace, "--kubeconfig", s.kubeconfig,
		"--wait", "--set", "image.repository=x", "--set", "image.tag=y", "--set", "replicas=7", "--labels", labelRun+"=null")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	s.until("a pending release", func() bool { return s.status() == pendingUpgrade })
	_ = stranger.Process.Kill()
	_ = stranger.Wait()
	s.hold(false)
	s.says(s.want(s.deploy(), pipelines.NotRun), "the release is not in order", "no run of penstock did that", "helm rollback orders")
	if status := s.status(); status != pendingUpgrade {
		t.Errorf("the release is %q", status)
	}
}

// The label of a run stays on what helm does by hand afterwards: that run ended in order,
// so it is a stranger's work all the same.
func TestStrangersRollbackIsLeftAlone(t *testing.T) {
	s := newShop(t)
	s.want(s.deploy(), pipelines.Pass)
	s.write("dvlp-"+OwnValues, "replicas: 6\n")
	s.want(s.deploy(), pipelines.Pass)
	s.hold(true)
	stranger := exec.Command("helm", "rollback", "orders", "1", "--namespace", s.namespace, "--kubeconfig", s.kubeconfig, "--wait")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	s.until("a pending release", func() bool { return s.status() == pendingRollback })
	_ = stranger.Process.Kill()
	_ = stranger.Wait()
	s.hold(false)
	s.says(s.want(s.deploy(), pipelines.NotRun), "ended in order before, so it was somebody else")
}

// A run of another machine, of which nobody can say whether it lives, is waited for until
// all that it started must be over.
func TestRunOfAnotherMachine(t *testing.T) {
	s := newShop(t)
	book := ledger.New(s.store)
	owner, err := ledger.NewOwner("somebody", ledger.CI{})
	if err != nil {
		t.Fatal(err)
	}
	owner.Machine.Boot, owner.Machine.Host = "another", "elsewhere"
	if _, err := book.Acquire(t.Context(), target("dvlp", "orders"), owner, time.Second); err != nil {
		t.Fatal(err)
	}
	o := s.want(s.deploy(), pipelines.NotRun)
	s.says(o, "is being changed by run "+owner.Run+" of somebody on elsewhere", "it ran on another machine")
	g := newGuard(s.store, ledger.Coroner{}, target("dvlp", "orders"), owner, time.Minute)
	if over, _ := g.over(t.Context(), owner, 5*time.Minute); over {
		t.Error("it is taken for dead while helm may be at work")
	}
	if over, why := g.over(t.Context(), owner, 7*time.Minute); !over || !strings.Contains(why, "longer than all that it started may take") {
		t.Errorf("it is waited for for ever: %s", why)
	}
	s2 := s.deploying()
	s2.Coroner = ledger.Coroner{RunOver: func(context.Context, ledger.CI) (bool, error) { return true, nil }}
	owner.CI = ledger.CI{Forge: "github", RunID: "1", Attempt: "1"}
	if over, _ := (&guard{coroner: s2.Coroner, abandoned: time.Hour}).over(t.Context(), owner, 0); !over {
		t.Error("the forge says that it is over")
	}
}
