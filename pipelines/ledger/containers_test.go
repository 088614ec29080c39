//go:build linux

package ledger

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// newContainers starts containers, one after the other in each of several rows, until
// the test ends.
func newContainers(t *testing.T, rows int) {
	t.Helper()
	runc, err := exec.LookPath("runc")
	if err != nil || os.Getuid() != 0 {
		t.Skip("SKIPPED: recover was NOT asked beside containers: that needs runc on PATH, and root")
	}
	bundle, err := os.MkdirTemp("", "ledger-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(bundle) })
	source := filepath.Join(bundle, "true.go")
	if err := os.WriteFile(source, []byte("package main\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(bundle, "rootfs", "true"), source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command(runc, "spec", "--bundle", bundle).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file := filepath.Join(bundle, "config.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var spec map[string]any
	if err := json.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	process := spec["process"].(map[string]any)
	process["terminal"], process["args"] = false, []string{"/true"}
	if text, err = json.Marshal(spec); err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	start := func(name string) error {
		out, err := exec.Command(runc, "--root", filepath.Join(bundle, "state"), "run", "--bundle", bundle, name).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	if err := start(fmt.Sprintf("ledger-%d", os.Getpid())); err != nil {
		t.Skipf("SKIPPED: recover was NOT asked beside containers: none starts here: %v", err)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for row := range rows {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				if err := start(fmt.Sprintf("ledger-%d-%d-%d", os.Getpid(), row, i)); err != nil {
					t.Errorf("starting a container: %v", err)
					return
				}
			}
		})
	}
	t.Cleanup(func() { close(done); wg.Wait() })
}

// Containers that others start at the same time are not of the run, however they stand.
func TestContainersOfOthersAreNotOfTheRun(t *testing.T) {
	c, o := startRun(t)
	newContainers(t, 4)
	if err := c.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Cmd.Wait()
	for range 10 {
		got, why := Coroner{}.Alive(t.Context(), o)
		if got != Dead {
			t.Errorf("got %s: %s", got, why)
		}
	}
}
