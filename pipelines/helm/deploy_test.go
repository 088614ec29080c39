package helm

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

func TestDeployDiffAndRollBack(t *testing.T) {
	s := newShop(t)
	first := s.want(s.deploy(), pipelines.Pass)
	if first.Revision != 1 || len(first.Changes) != 4 || first.From != 0 {
		t.Errorf("revision %d, %d changes, from %d", first.Revision, len(first.Changes), first.From)
	}
	d := s.deployment()
	if want := "registry.invalid/shop/orders@" + digest; d.Spec.Template.Spec.Containers[0].Image != want || first.Metadata.Image != want {
		t.Errorf("the image is %q, and said to be %q", d.Spec.Template.Spec.Containers[0].Image, first.Metadata.Image)
	}
	if d.Spec.Replicas != 1 || d.Metadata.Labels["platform"] != "penstock" {
		t.Errorf("the platform's values did not count: %+v", d)
	}
	labels := s.revisions()["1"]
	if labels[labelRun] != first.Metadata.Run || labels[labelCommit] != "c0ffee" || labels[labelBundle] != "1.2.0" || labels["status"] != "deployed" {
		t.Errorf("the release has the labels %v", labels)
	}
	s.unlocked()

	s.write("dvlp-"+OwnValues, "replicas: 4\npassword: hunter2\n")
	second := s.want(s.deploy(), pipelines.Pass)
	if second.Revision != 2 || second.From != 1 || s.deployment().Spec.Replicas != 4 {
		t.Errorf("revision %d from %d, %d replicas", second.Revision, second.From, s.deployment().Spec.Replicas)
	}
	var changed []string
	for _, c := range second.Changes {
		changed = append(changed, c.Action+" "+c.Resource)
		if strings.Contains(c.Diff, "hunter2") {
			t.Errorf("a secret is shown:\n%s", c.Diff)
		}
	}
	if want := []string{"update Deployment/orders", "update Secret/orders"}; !slices.Equal(changed, want) {
		t.Errorf("the changes are %q", changed)
	}

	s.write("dvlp-"+OwnValues, "replicas: 5\n")
	s.want(s.deploy(), pipelines.Pass)
	dry := Rollback{Release: s.release()}
	dry.DryRun = true
	s.says(s.want(s.done(dry.Do(t.Context())), pipelines.Pass), "revision 3 goes back to the content of revision 2")
	if s.deployment().Spec.Replicas != 5 {
		t.Error("a dry run rolled back")
	}
	back := s.want(s.rollback(0), pipelines.Pass)
	if back.Revision != 4 || s.deployment().Spec.Replicas != 4 || back.Metadata.RollbackTo != 2 {
		t.Errorf("revision %d, %d replicas, to %d", back.Revision, s.deployment().Spec.Replicas, back.Metadata.RollbackTo)
	}
	again := s.want(s.rollback(0), pipelines.Pass)
	if again.Revision != 5 || s.deployment().Spec.Replicas != 1 {
		t.Errorf("a second rollback: revision %d, %d replicas", again.Revision, s.deployment().Spec.Replicas)
	}
	s.want(s.rollback(3), pipelines.Pass)
	if s.deployment().Spec.Replicas != 5 {
		t.Errorf("to revision 3: %d replicas", s.deployment().Spec.Replicas)
	}
	if kept := s.revisions(); len(kept) != 5 {
		t.Errorf("%d revisions are kept, want 5", len(kept))
	}
	s.says(s.want(s.rollback(77), pipelines.Fail), "there is no revision 77")
	s.unlocked()
}

func TestDryRunChangesNothing(t *testing.T) {
	s := newShop(t)
	d := s.deploying()
	d.DryRun = true
	o := s.want(s.done(d.Do(t.Context())), pipelines.Pass)
	if len(o.Changes) != 4 || o.Revision != 0 || s.deployment() != nil || len(s.revisions()) != 0 {
		t.Errorf("%d changes, revision %d, %d revisions in the cluster", len(o.Changes), o.Revision, len(s.revisions()))
	}
	if _, err := os.Stat(s.root + "/.penstock/helm/journal"); err == nil {
		t.Error("a dry run has a journal")
	}
}

// A workload that does not become ready brings back what ran before.
func TestFailedUpgradeIsRolledBack(t *testing.T) {
	s := newShop(t)
	s.want(s.deploy(), pipelines.Pass)
	s.config.Service.Deploy.Timeout = "4s"
	s.write("dvlp-"+OwnValues, "replicas: 4\n")
	s.hold(true)
	o := s.want(s.deploy(), pipelines.Fail)
	s.hold(false)
	s.says(o, "[upgrade/upgrade]", "the release is")
	if got := s.deployment().Spec.Replicas; got != 1 {
		t.Errorf("%d replicas are wanted after the rollback, want 1", got)
	}
	s.unlocked()
	s.config.Service.Deploy.Timeout = "60s"
	o = s.want(s.deploy(), pipelines.Pass)
	if s.deployment().Spec.Replicas != 4 || o.Revision < 3 {
		t.Errorf("the next deploy: revision %d, %d replicas", o.Revision, s.deployment().Spec.Replicas)
	}
}

// A first install that fails leaves nothing, and the next one installs.
func TestFailedInstallLeavesNothing(t *testing.T) {
	s := newShop(t)
	s.config.Service.Deploy.Timeout = "4s"
	s.hold(true)
	s.want(s.deploy(), pipelines.Fail)
	if s.deployment() != nil {
		t.Error("the deployment is left")
	}
	s.hold(false)
	s.config.Service.Deploy.Timeout = "60s"
	s.want(s.deploy(), pipelines.Pass)
	s.unlocked()
}

func TestHooksAreWaitedFor(t *testing.T) {
	s := newShop(t)
	s.write("dvlp-"+OwnValues, "migrate: true\n")
	s.want(s.deploy(), pipelines.Pass)
	code, text, err := s.cluster.Do("GET", "/apis/batch/v1/namespaces/"+s.namespace+"/jobs/orders-migrate", nil)
	if err != nil || code != 200 || !strings.Contains(string(text), "CompletionsReached") {
		t.Errorf("the job: %d, %v\n%s", code, err, text)
	}
	s.want(s.deploy(), pipelines.Pass)
}

// What the policy refuses is never shown to the cluster.
func TestPolicyStopsADeploy(t *testing.T) {
	s := newShop(t)
	var judged []byte
	s.policy = func(_ context.Context, manifest []byte) (pipelines.Result, []pipelines.Notice, error) {
		judged = manifest
		return pipelines.Result{Findings: []pipelines.Finding{{Rule: "no-latest", Verdict: pipelines.Fail, Message: "latest"}}}, nil, nil
	}
	s.says(s.want(s.deploy(), pipelines.Fail), "[policy/no-latest] latest", `upgrade: skipped, it comes after "policy"`)
	if !strings.Contains(string(judged), "kind: Deployment") || len(s.revisions()) != 0 {
		t.Errorf("%d revisions; judged was\n%s", len(s.revisions()), judged)
	}
	s.policy = func(context.Context, []byte) (pipelines.Result, []pipelines.Notice, error) {
		return pipelines.Result{}, nil, errors.New("no schema for it")
	}
	s.says(s.want(s.deploy(), pipelines.NotRun), "policy: not run no schema for it")
	if len(s.revisions()) != 0 {
		t.Error("it was deployed without having been judged")
	}
}

// Our own policies judge by default, and refuse the chart of these tests: it has no probes.
func TestOurPoliciesJudge(t *testing.T) {
	s := newShop(t)
	d := s.deploying()
	d.Policy = nil
	o := s.want(s.done(d.Do(t.Context())), pipelines.Fail)
	s.says(o, "[policy/probes-present]", `upgrade: skipped, it comes after "policy"`)
	if len(s.revisions()) != 0 {
		t.Error("it was deployed all the same")
	}
}

// A deploy of what is deployed already makes no revision and runs no hook; what was
// changed by hand, or is not ready, is deployed anew, as another bundle, image or value is.
func TestUnchangedReleaseIsLeft(t *testing.T) {
	s := newShop(t)
	s.write("dvlp-"+OwnValues, "migrate: true\npassword: hunter2\n")
	first := s.want(s.deploy(), pipelines.Pass)
	s.write("README.md", "another commit\n")
	left := func(when string) {
		t.Helper()
		before := s.revisions()
		d := s.deploying()
		d.Commit = "another"
		o := s.want(s.done(d.Do(t.Context())), pipelines.Pass)
		s.says(o, "unchanged: revision 1 has the same")
		if !o.Unchanged || o.Revision != 1 || o.Metadata.Commit != "c0ffee" || o.Metadata.Run != first.Metadata.Run || len(s.revisions()) != len(before) {
			t.Errorf("%s: %+v, %d revisions", when, o.Metadata, len(s.revisions()))
		}
		if strings.Contains(told(o), "hunter2") {
			t.Errorf("%s: a secret is shown", when)
		}
		s.unlocked()
	}
	left("at once")
	left("and again")

	deployed := func(why string, revision int, change func(*Deploy)) {
		t.Helper()
		d := s.deploying()
		change(&d)
		o := s.want(s.done(d.Do(t.Context())), pipelines.Pass)
		if o.Unchanged || o.Revision != revision || len(o.Changes) != 0 {
			t.Errorf("%s: revision %d, want %d, unchanged %v, changes %v", why, o.Revision, revision, o.Unchanged, o.Changes)
		}
	}
	none := func(*Deploy) {}
	deployed("another bundle", 2, func(d *Deploy) { d.BundleName = "1.2.1@" + digest })
	deployed("the first bundle", 3, none)
	s.write("dvlp-"+OwnValues, "migrate: true\npassword: hunter2\nimage: {tag: v1}\n")
	deployed("another value", 4, none)
	path := "/apis/apps/v1/namespaces/" + s.namespace + "/deployments/orders"
	if code, text, err := s.cluster.Do("DELETE", path, nil); err != nil || code != 200 {
		t.Fatalf("deleting by hand: %d, %v: %s", code, err, text)
	}
	deployed("a workload that was deleted", 5, none)
	if s.deployment() == nil {
		t.Fatal("it was not brought back")
	}
	s.want(s.rollback(4), pipelines.Pass)
	deployed("after a rollback", 7, none)
	o := s.want(s.deploy(), pipelines.Pass)
	if !o.Unchanged || o.Revision != 7 {
		t.Errorf("at last: revision %d, unchanged %v", o.Revision, o.Unchanged)
	}
}
