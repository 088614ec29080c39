package helm

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

func TestArgv(t *testing.T) {
	p := place{Context: "c", Namespace: "shop", Release: "orders"}
	s := source{Chart: "chart", Values: []string{"a.yaml", "b.yaml"}}
	b := bounds{Timeout: 90 * time.Second, History: 7}
	m := Metadata{Run: "20261121t075459123456789z-abc", Environment: "dvlp", Image: "r/o@sha256:1", Commit: "c0ffee", Bundle: "1.2.0@sha256:2"}
	for want, got := range map[string][]string{
		"template orders chart --namespace shop --include-crds --is-upgrade --values a.yaml --values b.yaml":                              templateArgv(p, s, true),
		"upgrade orders chart --install --namespace shop --kube-context c --values a.yaml --values b.yaml --dry-run=server --output json": upgradeArgv(p, s, b, m, true),
		"upgrade orders chart --install --namespace shop --kube-context c --values a.yaml --values b.yaml --wait=watcher --wait-for-jobs " +
			"--rollback-on-failure --timeout 1m30s --history-max 7 --description penstock run=20261121t075459123456789z-abc environment=dvlp image=r/o@sha256:1 commit=c0ffee bundle=1.2.0@sha256:2 " +
			"--labels penstock.dev/run=20261121t075459123456789z-abc --labels penstock.dev/commit=c0ffee --labels penstock.dev/bundle=1.2.0 --output json": upgradeArgv(p, s, b, m, false),
		"rollback orders 3 --namespace shop --kube-context c --timeout 1m30s --history-max 7 --description d --wait=watcher --wait-for-jobs": rollbackArgv(p, 3, b, "d", true),
		"rollback orders 3 --namespace shop --kube-context c --timeout 1m30s --history-max 7 --description d --no-hooks":                     rollbackArgv(p, 3, b, "d", false),
		"history orders --max 256 --output json --namespace shop --kube-context c":                                                           historyArgv(p),
		"pull oci://r/charts/redis --version 1.0.0 --destination d":                                                                          pullArgv("oci://r/charts", "redis", "1.0.0", "d"),
		"pull redis --repo https://r --version 1.0.0 --destination d":                                                                        pullArgv("https://r", "redis", "1.0.0", "d"),
		"get --raw /api/v1/namespaces/shop/services/orders:http/proxy/healthz --request-timeout 10s --context c --namespace shop":            proxyArgv(p, "orders:http", "/healthz"),
	} {
		if joined := strings.Join(got, " "); joined != want {
			t.Errorf("got  %s\nwant %s", joined, want)
		}
	}
}

func TestJudge(t *testing.T) {
	for stderr, want := range map[string]Kind{
		"Error: release: not found": NotFound,
		"Error: Kubernetes cluster unreachable: Get \"https://x/version\": dial tcp: connection refused":            Unreachable,
		"Error: query: failed to query with labels: secrets is forbidden: User \"squad\" cannot list resource":      Denied,
		"error: context \"nope\" does not exist":                                                                    NoContext,
		"Error: Kubernetes cluster unreachable: context \"nope\" does not exist in your kubeconfig":                 NoContext,
		"Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress":                        Busy,
		"level=WARN msg=x\nE1121 11:00:00.000000 1 memcache.go:265] nope\nError from server (NotFound): namespaces": NotFound,
	} {
		err := judge("helm x", process.Output{Exit: 1, Stderr: []byte(stderr)})
		var f *Failure
		if !errors.As(err, &f) || f.Kind != want {
			t.Errorf("%q is judged %v, want %q", stderr, err, want)
		}
		if strings.Contains(err.Error(), "level=WARN") || strings.Contains(err.Error(), "memcache") {
			t.Errorf("warnings are shown as errors: %v", err)
		}
	}
	if err := judge("x", process.Output{Exit: 0, Stderr: []byte("warning")}); err != nil {
		t.Errorf("success is judged %v", err)
	}
	if err := judge("x", process.Output{Exit: -1}); err == nil || !strings.Contains(err.Error(), "signal") {
		t.Errorf("a signal is judged %v", err)
	}
}

func TestMetadataIsReadBack(t *testing.T) {
	m := Metadata{Run: "r", Environment: "dvlp", Image: "a/b@sha256:1", Commit: "c", Bundle: "1.0.0@sha256:2", Actor: "a person"}
	got, ours := Described(m.Description())
	m.Actor = "a_person"
	if !ours || got != m {
		t.Errorf("got %+v, %v", got, ours)
	}
	back := Metadata{Run: strings.Repeat("r", 52), Environment: "dvlp", Image: "a@" + digest, Bundle: "1@" + digest, Actor: strings.Repeat("é", 300), RollbackTo: 4}
	got, ours = Described(back.Description())
	if !ours || got.RollbackTo != 4 || got.Run != back.Run || got.Image != "" || len(back.Description()) > 256 {
		t.Errorf("a rollback is described as %q", back.Description())
	}
	for _, other := range []string{"Preparing upgrade", "Rollback to 3", "", "penstock", "Upgrade complete"} {
		if _, ours := Described(other); ours {
			t.Errorf("%q is taken for ours", other)
		}
	}
	if long := (Metadata{Run: strings.Repeat("x", 900), Image: strings.Repeat("é", 900)}).Description(); len(long) > 512 {
		t.Errorf("a description has %d bytes", len(long))
	}
	for _, label := range (Metadata{Run: "r", Commit: "not a label", Bundle: ""}).labels() {
		if label != "penstock.dev/run=r" && !strings.HasSuffix(label, "=null") {
			t.Errorf("the label %s would be refused, or be that of the revision before", label)
		}
	}
}

// past is a history of statuses; "!" after one gives it the description of a failure.
func past(statuses ...string) []Revision {
	var list []Revision
	for i, s := range statuses {
		r := Revision{Revision: i + 1, Status: strings.TrimRight(s, "!<0123456789"), Description: "penstock run=x"}
		if strings.HasSuffix(s, "!") {
			r.Description = `Upgrade "orders" failed: timed out`
		}
		if _, to, back := strings.Cut(s, "<"); back {
			r.Description += " rollback=" + to
		}
		list = append(list, r)
	}
	return list
}

func TestDiagnose(t *testing.T) {
	for _, c := range []struct {
		history []Revision
		what    remedy
		to      int
	}{
		{nil, none, 0},
		{past("deployed"), none, 0},
		{past("failed!"), none, 0},
		{past("superseded", "failed!", "deployed"), none, 0},
		{past("pending-install"), uninstall, 0},
		{past("uninstalling"), uninstall, 0},
		{past("deployed", "pending-upgrade"), rollBack, 1},
		{past("superseded", "pending-upgrade"), rollBack, 1}, // killed between the two last writes of helm
		{past("superseded", "deployed", "failed!", "pending-rollback"), rollBack, 2},
		{past("superseded", "superseded!", "pending-upgrade"), rollBack, 1},
		{past("failed!", "pending-upgrade"), uninstall, 0},
		{past("deployed", "pending-upgrade", "deployed"), none, 0}, // an old one stays in the history
	} {
		if what, to := diagnose(c.history); what != c.what || to != c.to {
			t.Errorf("%+v needs %q to %d, want %q to %d", c.history, what, to, c.what, c.to)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		history    []Revision
		want, goes int
	}{
		{past("superseded", "deployed"), 0, 1},
		{past("superseded", "failed!", "deployed"), 0, 1},
		{past("superseded", "superseded", "superseded", "deployed<2"), 0, 1},   // two rollbacks go two steps back
		{past("superseded", "superseded", "superseded<1", "deployed<3"), 0, 0}, // a rollback to a rollback is the first
		{past("superseded", "superseded", "superseded", "deployed<2", "failed!"), 0, 1},
		{past("superseded", "superseded", "deployed"), 1, 1},
		{past("superseded", "failed!", "deployed"), 2, 0},
		{past("superseded", "deployed"), 2, 0},
		{past("superseded", "deployed"), 9, 0},
		{past("deployed"), 0, 0},
		{nil, 0, 0},
	} {
		got, err := choose(c.history, c.want)
		if got != c.goes || (err == nil) != (c.goes != 0) {
			t.Errorf("%+v with --revision %d goes to %d (%v), want %d", c.history, c.want, got, err, c.goes)
		}
		var known *pipelines.Error
		if err != nil && (!errors.As(err, &known) || known.Hint == "") {
			t.Errorf("%v has no hint", err)
		}
	}
}

func TestCompareHidesSecrets(t *testing.T) {
	before := `
# Source: a/b.yaml
apiVersion: v1
kind: Secret
metadata: {name: s, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"data":"hunter1"}'}}
stringData: {PASSWORD: hunter2, SAME: hunter3}
---
kind: ConfigMap
metadata: {name: c}
data: {A: "1"}
---
kind: Service
metadata: {name: gone}
`
	after := strings.NewReplacer("hunter2", "hunter4", `A: "1"`, `A: "2"`, "gone", "made").Replace(before)
	changes, err := compare([]byte(before), []byte(after))
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, c := range changes {
		said = append(said, c.Action+" "+c.Resource)
		if strings.Contains(c.Diff, "hunter") {
			t.Errorf("a secret is shown:\n%s", c.Diff)
		}
	}
	if want := []string{"update ConfigMap/c", "update Secret/s", "delete Service/gone", "create Service/made"}; !slices.Equal(said, want) {
		t.Errorf("got %q", said)
	}
	if secret := changes[1].Diff; !strings.Contains(secret, "another value") || strings.Count(secret, "another value") != 1 {
		t.Errorf("the diff does not say which key has another value:\n%s", secret)
	}
	if !strings.Contains(changes[0].Diff, `-data: {A: "1"}`) || !strings.Contains(changes[0].Diff, `+data: {A: "2"}`) {
		t.Errorf("the diff is\n%s", changes[0].Diff)
	}
	if same, err := compare([]byte(before), []byte("---\n"+before)); err != nil || len(same) != 0 {
		t.Errorf("equal manifests differ: %v, %v", same, err)
	}
}

func TestObjectsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"kind: A":             `the name ""`,
		"metadata: {name: x}": `the kind ""`,
		"a: [":                "reading the manifest",
		"kind: A\nmetadata: {name: x}\n---\nkind: A\nmetadata: {name: x}": "twice",
	} {
		if _, err := objects([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestReadHistoryRefuses(t *testing.T) {
	for _, text := range []string{"", "{", `[{"revision":0,"status":"deployed"}]`, `[{"revision":1}]`, `[{"revision":2,"status":"a"},{"revision":1,"status":"a"}]`} {
		if got, err := readHistory([]byte(text)); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}
