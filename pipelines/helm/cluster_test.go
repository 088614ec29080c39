package helm

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/kubetest"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// TestMain is also the program that the kill test kills: a deploy as the command makes
// it, in a process of its own.
func TestMain(m *testing.M) {
	if settings := os.Getenv("PENSTOCK_HELM_TEST"); settings != "" {
		os.Exit(child(settings))
	}
	code := m.Run()
	if shared.cluster != nil {
		shared.cluster.Stop()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// shared is the one cluster of all tests; each has a namespace of its own.
var shared struct {
	once    sync.Once
	cluster *kubetest.Cluster
	dir     string
	err     error
	mu      sync.Mutex
	unready map[string]bool
	spaces  int
}

// cluster is the shared one, in which workloads are ready unless their namespace is
// held back.
func cluster(t *testing.T) *kubetest.Cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: -short: no cluster is started")
	}
	if _, _, missing := kubetest.Programs(); missing != "" {
		t.Skip("SKIPPED: " + missing + ": nothing was deployed")
	}
	programs(t)
	shared.once.Do(func() {
		shared.unready = map[string]bool{}
		if shared.dir, shared.err = os.MkdirTemp("", "penstock-kube-"); shared.err != nil {
			return
		}
		if shared.cluster, shared.err = kubetest.Start(shared.dir); shared.err == nil {
			go shared.cluster.Ready(context.Background(), func(_, namespace, _ string) bool {
				shared.mu.Lock()
				defer shared.mu.Unlock()
				return shared.unready[namespace]
			})
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

// programs skips where helm or kubectl is absent.
func programs(t *testing.T) {
	t.Helper()
	for _, name := range []string{"helm", "kubectl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("SKIPPED: " + name + " is absent: .ci/tools and .ci/kube install it")
		}
	}
}

// shop is a service repository with a namespace in the cluster.
type shop struct {
	*testing.T
	cluster    *kubetest.Cluster
	root       string
	namespace  string
	kubeconfig string
	config     *config.Config
	store      store.Store
	policy     func(context.Context, []byte) (pipelines.Result, []pipelines.Notice, error)
}

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func newShop(t *testing.T) *shop {
	t.Helper()
	c := cluster(t)
	t.Parallel() // most of a deploy is waiting
	shared.mu.Lock()
	shared.spaces++
	s := &shop{T: t, cluster: c, root: t.TempDir(), namespace: fmt.Sprintf("shop-%d", shared.spaces)}
	shared.mu.Unlock()
	if err := c.Namespace(s.namespace); err != nil {
		t.Fatal(err)
	}
	s.kubeconfig = filepath.Join(s.root, "kubeconfig")
	if err := c.Kubeconfig(s.kubeconfig, "", kubetest.Admin); err != nil {
		t.Fatal(err)
	}
	s.config = &config.Config{Version: 1, Service: &config.Service{Name: "orders", Owner: "team-shop", Namespace: s.namespace,
		Bundle: config.Bundle{Version: "1.2.0", Digest: digest}, Deploy: config.Deploy{Timeout: "60s", History: 5},
		Environments: []config.ServiceEnvironment{{Name: "dvlp", Account: "000000000000", Region: "eu-west-1", Cluster: config.Cluster{Context: "test"}}}}}
	s.write(OwnValues, "port: 8080\nconfig:\n  GREETING: hello\n")
	s.write(GeneratedValues, "image:\n  repository: registry.invalid/shop/orders\n  digest: \""+digest+"\"\n")
	s.store = s.open()
	return s
}

func (s *shop) open() store.Store {
	s.Helper()
	opened, err := store.Open(s.Context(), filepath.Join(s.root, ".penstock", Room))
	if err != nil {
		s.Fatal(err)
	}
	return opened
}

func (s *shop) write(file, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.root, file), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// hold keeps the workloads of the namespace from becoming ready.
func (s *shop) hold(held bool) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.unready[s.namespace] = held
}

func (s *shop) release() Release {
	return Release{Root: s.root, Config: s.config, Environment: "dvlp", Store: s.store, Actor: "tester", Commit: "c0ffee",
		Env: append(os.Environ(), "KUBECONFIG="+s.kubeconfig)}
}

// passing is a policy that looks at nothing: what it says is the test's concern alone.
func passing(context.Context, []byte) (pipelines.Result, []pipelines.Notice, error) {
	return pipelines.Result{Verdict: pipelines.Pass}, nil, nil
}

func (s *shop) deploying() Deploy {
	d := Deploy{Release: s.release(), Bundle: "testdata/bundle", Policy: s.policy}
	if d.Policy == nil {
		d.Policy = passing
	}
	return d
}

func (s *shop) deploy() *Outcome {
	s.Helper()
	return s.done(s.deploying().Do(s.Context()))
}

func (s *shop) rollback(revision int) *Outcome {
	s.Helper()
	return s.done(Rollback{Release: s.release(), Revision: revision}.Do(s.Context()))
}

func (s *shop) done(o *Outcome, err error) *Outcome {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	return o
}

// want fails where the verdict of an outcome is another one.
func (s *shop) want(o *Outcome, v pipelines.Verdict) *Outcome {
	s.Helper()
	if o.Report.Verdict != v {
		s.Fatalf("the verdict is %s, want %s:\n%s", o.Report.Verdict, v, told(o))
	}
	return o
}

// told is an outcome in words, one line a step.
func told(o *Outcome) string {
	var b strings.Builder
	for _, r := range o.Report.Results {
		fmt.Fprintf(&b, "%s: %s %s\n", r.Stage, r.Verdict, r.Reason)
		if r.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", r.Hint)
		}
		for _, f := range r.Findings {
			fmt.Fprintf(&b, "  %s:%d [%s/%s] %s; hint: %s\n", f.Path, f.Line, r.Stage, f.Rule, f.Message, f.Hint)
		}
	}
	for _, skip := range o.Report.Skipped {
		fmt.Fprintf(&b, "%s: skipped, %s\n", skip.Stage, skip.Reason)
	}
	for _, n := range o.Report.Notices {
		fmt.Fprintf(&b, "notice: %s\n", n.Message)
	}
	return b.String()
}

// says fails where an outcome does not say something.
func (s *shop) says(o *Outcome, texts ...string) {
	s.Helper()
	for _, text := range texts {
		if all := told(o); !strings.Contains(all, text) {
			s.Errorf("it does not say %q:\n%s", text, all)
		}
	}
}

// deployment is what of the deployed Deployment counts here; nil where there is none.
type deployment struct {
	Metadata struct{ Labels map[string]string }
	Spec     struct {
		Replicas int
		Template struct {
			Spec struct{ Containers []struct{ Image string } }
		}
	}
}

func (s *shop) deployment() *deployment {
	s.Helper()
	code, text, err := s.cluster.Do(http.MethodGet, "/apis/apps/v1/namespaces/"+s.namespace+"/deployments/orders", nil)
	if err != nil {
		s.Fatal(err)
	}
	if code == http.StatusNotFound {
		return nil
	}
	found := &deployment{}
	if err := json.Unmarshal(text, found); err != nil {
		s.Fatal(err)
	}
	return found
}

// revisions are those that the cluster keeps, by number, with their labels.
func (s *shop) revisions() map[string]map[string]string {
	s.Helper()
	_, text, err := s.cluster.Do(http.MethodGet, "/api/v1/namespaces/"+s.namespace+"/secrets?labelSelector=owner%3Dhelm", nil)
	if err != nil {
		s.Fatal(err)
	}
	var list struct {
		Items []struct {
			Metadata struct{ Labels map[string]string }
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		s.Fatal(err)
	}
	found := map[string]map[string]string{}
	for _, item := range list.Items {
		found[item.Metadata.Labels["version"]] = maps.Clone(item.Metadata.Labels)
	}
	return found
}

// unlocked fails where a lease or a run is left.
func (s *shop) unlocked() {
	s.Helper()
	book := ledger.New(s.store)
	if held, err := book.Look(context.WithoutCancel(s.Context()), target("dvlp", "orders")); err == nil {
		s.Errorf("the lease is left to %s", held.Owner)
	}
	if open, err := book.Unfinished(context.WithoutCancel(s.Context())); err != nil || len(open) > 0 {
		s.Errorf("%d runs are unfinished, %v", len(open), err)
	}
}

// until waits for something that is bound to come.
func (s *shop) until(what string, holds func() bool) {
	s.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("waiting for %s: it did not come", what)
		}
	}
}
