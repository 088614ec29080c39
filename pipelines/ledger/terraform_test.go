//go:build linux

package ledger

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Real terraform with a real provider, killed with -9: while its provider is there it
// is seen as the run's, and the run is dead only when that has ended too.
func TestOrphanedProviderIsAlive(t *testing.T) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skipf("SKIPPED: no terraform on PATH: %v", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	mirror := filepath.Join(cache, "penstock", "providers")
	if found, _ := filepath.Glob(filepath.Join(mirror, "registry.terraform.io/hashicorp/time/*/*")); len(found) == 0 {
		t.Skipf("SKIPPED: no hashicorp/time in %s", mirror)
	}
	c, o := startRun(t) // a run that was killed: what is left of it is terraform
	c.Kill(t)
	expect(t, o, Dead)

	dir := t.TempDir()
	for name, text := range map[string]string{
		"rc":      fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror),
		"main.tf": "terraform {\n  required_providers {\n    time = { source = \"hashicorp/time\" }\n  }\n}\nresource \"time_sleep\" \"x\" {\n  create_duration = \"1h\"\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), terraform, args...)
		cmd.Dir = dir
		cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TF_CLI_CONFIG_FILE=" + filepath.Join(dir, "rc"), "CHECKPOINT_DISABLE=1", o.Env()}
		return cmd
	}
	if out, err := command("init", "-input=false", "-no-color").CombinedOutput(); err != nil {
		t.Fatalf("init: %v: %s", err, out)
	}
	apply := command("apply", "-auto-approve", "-input=false", "-no-color")
	log, err := os.Create(filepath.Join(dir, "log")) // a pipe would be held open by the provider
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	apply.Stdout, apply.Stderr = log, log
	if err := apply.Start(); err != nil {
		t.Fatal(err)
	}
	var provider int
	until(t, func() bool {
		if s, err := readStat(apply.Process.Pid); err != nil || s.ended() {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("apply ended: %s", text)
		}
		text, _ := os.ReadFile(log.Name())
		provider = childOf(t, apply.Process.Pid)
		return provider != 0 && bytes.Contains(text, []byte("Creating..."))
	})
	t.Cleanup(func() { _ = syscall.Kill(provider, syscall.SIGKILL) })
	expect(t, o, Living, "belongs to it", EnvRun)
	// This provider notices and ends by itself; one in the midst of a call to a
	// cloud does not yet. Held still, it is such a one.
	if err := syscall.Kill(provider, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := apply.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = apply.Wait()
	expect(t, o, Living, fmt.Sprintf("process %d (terraform-provi", provider))
	if err := syscall.Kill(provider, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { s, err := readStat(provider); return gone(err) || err == nil && s.ended() })
	expect(t, o, Dead)
}

// childOf finds the provider that a terraform started.
func childOf(t *testing.T, parent int) int {
	t.Helper()
	all, err := pids()
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range all {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == fmt.Sprint(parent) && strings.HasPrefix(command(pid), "terraform-provi") {
			return pid
		}
	}
	return 0
}
