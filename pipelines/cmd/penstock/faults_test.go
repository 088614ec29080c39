package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// built is the program, where any user may run it.
func built(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "penstock-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "penstock")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What cannot be read is not run, never a pass. Root reads everything, so there the
// program runs as nobody.
func TestADirectoryThatCannotBeRead(t *testing.T) {
	program := built(t)
	catalog, err := os.MkdirTemp("", "penstock-catalog-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(catalog) })
	write(t, filepath.Join(catalog, "modules/open/main.tf"), "locals {}\n")
	closed := filepath.Join(catalog, "modules/closed")
	write(t, filepath.Join(closed, "main.tf"), "locals {}\n")
	for dir, mode := range map[string]os.FileMode{catalog: 0o755, closed: 0} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(closed, 0o700) })
	cmd := exec.Command(program, "check", "--all", "--stages", "terraform-fmt,compliance", catalog)
	cmd.Dir, cmd.Env = os.TempDir(), []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 3 || !strings.Contains(out.String(), "modules/closed") || !strings.Contains(out.String(), "permission denied") {
		t.Errorf("exit %d:\n%s", code, &out)
	}
}

// A query that never ends is cut off, and its unit is not run.
func TestARuleThatNeverEnds(t *testing.T) {
	program, catalog := built(t), t.TempDir()
	write(t, filepath.Join(catalog, "main.tf"), "resource \"terraform_data\" \"x\" {}\n")
	write(t, filepath.Join(catalog, "rules/endless.rego"), `# METADATA
# title: endless
# description: counts for ever
# custom:
#   id: endless
#   severity: low
#   remediation: none
#   resources:
#     terraform_data: [input]
package penstock.endless

deny contains "x" if {
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	some c in numbers.range(1, 100000)
	a + b + c < 0
}
`)
	out, err := exec.Command(program, "compliance", "--all", "--no-builtin", "--policies", filepath.Join(catalog, "rules"), catalog).CombinedOutput()
	if code := exitOf(err); code != 3 || !strings.Contains(string(out), "the query did not end within") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

func exitOf(err error) int {
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // it is what Run returns
		return exit.ExitCode()
	}
	return 0
}
