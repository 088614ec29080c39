package release

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is the program that is killed: with a variable set it releases and ends.
func TestMain(m *testing.M) {
	if root := os.Getenv("RELEASE_TEST_ROOT"); root != "" {
		o, err := Release{Root: root, Remote: os.Getenv("RELEASE_TEST_REMOTE"), Evidence: os.Getenv("RELEASE_TEST_EVIDENCE"), Penstock: "test"}.Run(context.Background())
		if err != nil || o.Verdict.ExitCode() != 0 {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Killed at any moment, a release is whole or not there; the next run ends in the very
// same refs as a run that nobody killed.
func TestKilledAtAnyMoment(t *testing.T) {
	kills := 12
	if os.Getenv("PENSTOCK_LONG") != "" {
		kills = 50
	}
	p := newPlace(t)
	modules := []string{"modules/vpc", "modules/a", "modules/b", "modules/c"}
	for _, m := range modules[1:] {
		p.put(m+"/main.tf", vpc)
	}
	p.commit("feat: more")
	p.push()
	p.released(modules...)
	for _, m := range modules {
		p.put(m+"/b.tf", "resource \"terraform_data\" \"b\" {}\n")
	}
	p.commit("feat: b")
	p.push()
	top, evidence := t.TempDir(), p.report(nil, modules...)
	release := func(bare, dir string) *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "RELEASE_TEST_ROOT="+dir, "RELEASE_TEST_REMOTE="+bare, "RELEASE_TEST_EVIDENCE="+evidence)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		return cmd
	}
	fresh := func(name string) (bare, dir string) {
		bare, dir = filepath.Join(top, name+".git"), filepath.Join(top, name)
		p.git(top, "clone", "-q", "--mirror", p.bare, bare)
		p.git(top, "clone", "-q", p.dir, dir)
		return bare, dir
	}
	bare, dir := fresh("whole")
	start := time.Now()
	if out, err := release(bare, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	took := time.Since(start)
	before, want := p.refs(), p.git(bare, "for-each-ref")
	if before == want {
		t.Fatal("nothing was released")
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d; a whole release takes %s", seed, took)
	whole, none := 0, 0
	for range kills {
		bare, dir := fresh("k" + strings.Repeat("x", whole+none))
		cmd := release(bare, dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Int64N(int64(took))))
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		switch p.git(bare, "for-each-ref") {
		case before:
			none++
		case want:
			whole++
		default:
			t.Errorf("half a release: %s", p.git(bare, "for-each-ref"))
			none++
		}
		if out, err := release(bare, dir).CombinedOutput(); err != nil {
			t.Errorf("the run after the kill: %v: %s", err, out)
		}
		if got := p.git(bare, "for-each-ref"); got != want {
			t.Errorf("the run after the kill ended in\n%s\nwant\n%s", got, want)
		}
	}
	if whole+none != kills {
		t.Errorf("%d of %d", whole+none, kills)
	}
	t.Logf("%d kills: %d before anything was there, %d after all was", kills, none, whole)
}
