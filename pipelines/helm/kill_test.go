package helm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/proctest"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// childSettings tell the process that is killed what to deploy.
type childSettings struct {
	Root, Kubeconfig, Bundle string
	Service                  config.Service
}

// child is a deploy in a process of its own, as the command makes it.
func child(settings string) int {
	var c childSettings
	if err := json.Unmarshal([]byte(settings), &c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return pipelines.ExitUsage
	}
	kept, err := store.Open(context.Background(), filepath.Join(c.Root, ".penstock", Room))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return pipelines.ExitNotRun
	}
	env := slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "PENSTOCK_HELM_TEST=") })
	d := Deploy{Bundle: c.Bundle, Policy: passing, Release: Release{Root: c.Root, Config: &config.Config{Version: 1, Service: &c.Service}, Environment: "dvlp",
		Store: kept, Actor: "tester", Commit: "c0ffee", Env: append(env, "KUBECONFIG="+c.Kubeconfig),
		Progress: func(e pipelines.Event) { fmt.Fprintf(os.Stderr, "%s %s\n", e.Stage, e.Verdict) }}}
	o, err := d.Do(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return pipelines.ExitNotRun
	}
	fmt.Print(told(o))
	return o.Report.Verdict.ExitCode()
}

// command is such a process, which has not been started.
func (s *shop) command() *exec.Cmd {
	s.Helper()
	bundle, err := filepath.Abs("testdata/bundle")
	if err != nil {
		s.Fatal(err)
	}
	settings, err := json.Marshal(childSettings{Root: s.root, Kubeconfig: s.kubeconfig, Bundle: bundle, Service: *s.config.Service})
	if err != nil {
		s.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PENSTOCK_HELM_TEST="+string(settings))
	cmd.WaitDelay = time.Second // orphans may hold the pipe open
	return cmd
}

// started is such a process while it runs.
type started struct {
	cmd  *exec.Cmd
	out  bytes.Buffer
	over chan struct{}
}

func (s *shop) start() *started {
	s.Helper()
	r := &started{cmd: s.command(), over: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	if err := r.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	go func() {
		defer close(r.over)
		_ = r.cmd.Wait()
	}()
	return r
}

func (r *started) ended() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}

// status is that of the newest revision in the cluster; "" where there is no release.
func (s *shop) status() string {
	s.Helper()
	all := s.revisions()
	last := 0
	for version := range all {
		n, _ := strconv.Atoi(version)
		last = max(last, n)
	}
	return all[strconv.Itoa(last)]["status"]
}

var victims = []string{"penstock", "helm", "all"}

// aims are where the kill is aimed at; it hits where it hits, and is counted there.
var aims = []string{"any", "pending", "deployed", "repair", "rollback"}

// TestKills kills deploys at random moments, and holds the next run to its promise: 3
// times, or as often as PENSTOCK_KILLS says (make helm-kill-test).
func TestKills(t *testing.T) {
	n := 3
	if said := os.Getenv("PENSTOCK_KILLS"); said != "" {
		var err error
		if n, err = strconv.Atoi(said); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	if said := os.Getenv("PENSTOCK_SEED"); said != "" {
		var err error
		if seed, err = strconv.ParseUint(said, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	k := &killing{shop: newShop(t), random: rand.New(rand.NewPCG(seed, 1)), hits: map[string]int{}, happened: map[string]int{}}
	t.Logf("seed %d: PENSTOCK_SEED=%d repeats the choices, though not the moments", seed, seed)
	done := 0
	for tries := 0; done < n && !t.Failed() && tries < 3*n; tries++ {
		if k.once(tries) {
			done++
		}
	}
	for _, hit := range slices.Sorted(maps.Keys(k.hits)) {
		t.Logf("%-40s %3d", hit, k.hits[hit])
	}
	for _, what := range slices.Sorted(maps.Keys(k.happened)) {
		t.Logf("%-60s %3d", what, k.happened[what])
	}
	t.Logf("%d of %d killed deploys were repaired by the next run", done, n)
	if done < n {
		t.Errorf("only %d of %d deploys were killed and repaired", done, n)
	}
}

type killing struct {
	*shop
	random         *rand.Rand
	hits, happened map[string]int
}

// once kills one deploy, and lets the next repair. It is false where the deploy ended before.
func (k *killing) once(i int) bool {
	k.Helper()
	if k.random.IntN(3) == 0 { // now and then a first install
		k.uninstall()
	}
	replicas := 1 + k.random.IntN(8)
	k.write("dvlp-"+OwnValues, fmt.Sprintf("replicas: %d\nmigrate: %v\nconfig: {RUN: \"%d\"}\n", replicas, k.random.IntN(3) == 0, i))
	victim, aim := victims[k.random.IntN(len(victims))], aims[k.random.IntN(len(aims))]
	if aim == "repair" && !k.leave() { // the run that is killed has something to repair
		return false
	}
	held := k.random.IntN(2) == 0 || aim == "rollback"
	k.hold(held)
	defer k.hold(false)
	k.config.Service.Deploy.Timeout = "60s"
	if aim == "rollback" { // helm gives up and rolls back by itself
		k.config.Service.Deploy.Timeout = "3s"
		defer func() { k.config.Service.Deploy.Timeout = "60s" }()
	}
	r := k.start()
	if !k.aimed(r, aim) {
		return false
	}
	tree := k.choose(r, victim)
	if tree == nil {
		<-r.over
		k.happened["the deploy ended before its victim was there"]++
		return k.settle(i, replicas, r) && false
	}
	status := k.status()
	proctest.Kill(tree)
	if victim == "helm" {
		k.hold(false) // what was to be killed may have ended just then, and the deploy goes on
	}
	k.until("the end of the deploy", func() bool { return r.ended() })
	if r.cmd.ProcessState.Success() {
		k.happened["the victim ended before it was killed"]++
		return k.settle(i, replicas, r) && false
	}
	k.hits[fmt.Sprintf("%-8s when the release was %q", victim, status)]++
	k.Logf("run %d: %s killed, the release was %q (aimed at %q, held back: %v)", i, victim, status, aim, held)
	k.orphans()
	k.hold(false)
	k.config.Service.Deploy.Timeout = "60s"
	return k.settle(i, replicas, r)
}

// leave leaves a release pending.
func (k *killing) leave() bool {
	k.hold(true)
	defer k.hold(false)
	r := k.start()
	k.until("a pending release", func() bool { return r.ended() || strings.HasPrefix(k.status(), "pending") })
	proctest.Kill(proctest.Below(k.T, r.cmd.Process.Pid))
	<-r.over
	return strings.HasPrefix(k.status(), "pending")
}

// aimed waits for the moment to kill; it is false where the deploy ended before.
func (k *killing) aimed(r *started, aim string) bool {
	wait := time.Duration(k.random.IntN(400)) * time.Millisecond
	before := k.status()
	switch aim {
	case "any":
		wait = time.Duration(k.random.IntN(5000)) * time.Millisecond
	case "repair", "rollback":
		back := func(status string) bool { return status == pendingRollback || status == uninstalling }
		for !r.ended() && !back(k.status()) && (aim == "rollback" || k.status() == before) {
			time.Sleep(time.Millisecond)
		}
		wait /= 4
	case "pending":
		k.until("a pending release", func() bool { return r.ended() || strings.HasPrefix(k.status(), "pending") })
	case "deployed":
		known := len(k.revisions())
		k.hold(false)
		k.until("a deployed release", func() bool {
			return r.ended() || k.status() == "deployed" && (before != "deployed" || len(k.revisions()) != known)
		})
		wait /= 8
	}
	select {
	case <-r.over:
		k.happened["the deploy ended before it was to be killed"]++
		return false
	case <-time.After(wait):
		return !r.ended()
	}
}

// choose finds the processes to kill; nil where the deploy ended before they were there.
func (k *killing) choose(r *started, victim string) []proctest.Proc {
	for !r.ended() {
		tree := proctest.Below(k.T, r.cmd.Process.Pid)
		switch victim {
		case "all":
			return tree
		case "penstock":
			return tree[:min(1, len(tree))]
		}
		if tree = slices.DeleteFunc(tree, func(p proctest.Proc) bool { return p.Name != "helm" }); len(tree) > 0 {
			return tree
		}
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}

// orphans are helm processes whose penstock was killed: while they live, the next deploy
// is refused, with owner and age, and they end by themselves.
func (k *killing) orphans() {
	k.Helper()
	mine := func() []proctest.Proc {
		var found []proctest.Proc
		for pid, p := range proctest.Processes(k.T) {
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if p.Name == "helm" && bytes.Contains(line, []byte(k.namespace)) {
				found = append(found, p)
			}
		}
		return found
	}
	if left := mine(); len(left) > 0 {
		k.config.Service.Deploy.Timeout = "3s" // where the orphan ended just then, this deploys, and may be held back
		o := k.deploy()
		k.config.Service.Deploy.Timeout = "60s"
		if still := proctest.Living(k.T, left); len(still) > 0 {
			k.happened["a deploy was refused while an orphaned helm lived"]++
			if text := told(o); o.Report.Verdict != pipelines.NotRun || !strings.Contains(text, "is being changed by run") || !strings.Contains(text, "last heard of") {
				k.Errorf("a deploy while %v live:\n%s", still, text)
			}
		}
	}
	k.hold(false)
	k.until("the end of orphans", func() bool { return len(mine()) == 0 })
}

// settle lets the next run repair and deploy, and holds what is there against what was wanted.
func (k *killing) settle(i, replicas int, r *started) bool {
	k.Helper()
	o := k.deploy()
	if o.Report.Verdict != pipelines.Pass {
		k.Errorf("run %d: the next deploy:\n%s\nthe one that was killed said:\n%s", i, told(o), r.out.String())
		return false
	}
	if o.Repaired != "" {
		_, how, _ := strings.Cut(o.Repaired, "revision ")
		k.happened["repaired: "+strings.Fields(strings.TrimSuffix(how[strings.Index(how, "left "):], ":"))[1]]++
	}
	d := k.deployment()
	if d == nil || d.Spec.Replicas != replicas {
		k.Errorf("run %d: %+v is deployed, wanted are %d replicas", i, d, replicas)
	}
	if status := k.status(); status != "deployed" {
		k.Errorf("run %d: the release is %q", i, status)
	}
	code, text, err := k.cluster.Do("GET", "/api/v1/namespaces/"+k.namespace+"/configmaps/orders", nil)
	if err != nil || code != 200 || !strings.Contains(string(text), fmt.Sprintf(`"RUN":"%d"`, i)) {
		k.Errorf("run %d: the ConfigMap: %d, %v\n%s", i, code, err, text)
	}
	k.unlocked()
	return !k.Failed()
}

// uninstall takes the release away, so that the next deploy is a first one.
func (k *killing) uninstall() {
	k.Helper()
	cmd := exec.Command("helm", "uninstall", "orders", "--namespace", k.namespace, "--kubeconfig", k.kubeconfig, "--ignore-not-found", "--wait")
	if out, err := cmd.CombinedOutput(); err != nil {
		k.Fatalf("uninstalling: %v\n%s", err, out)
	}
}
