package terraform

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

func TestValidateWithoutTerraform(t *testing.T) {
	noTerraform(t)
	scope := catalog(t, map[string]string{"unit/main.tf": clean}, "unit")
	got := validate(t, Validate{Scope: scope, Cache: t.TempDir()}).Results[0]
	if got.Verdict != pipelines.NotRun || !strings.Contains(got.Reason, "neither terraform nor tofu is on PATH") || !strings.Contains(got.Hint, "install terraform") {
		t.Errorf("got %+v", got)
	}
}

// TestValidateStopsItsProcesses: when the context ends, terraform and what it
// started are gone before Run returns.
func TestValidateStopsItsProcesses(t *testing.T) {
	dir := t.TempDir()
	alive := filepath.Join(dir, "alive")
	script := "#!/bin/sh\ncase $1 in version) echo '{\"terraform_version\": \"1.11.4\"}'; exit;; esac\n" +
		"(while :; do date +%s%N > " + alive + "; sleep 0.05; done) &\nwait\n"
	if err := os.WriteFile(filepath.Join(dir, "terraform"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	scope := catalog(t, map[string]string{"unit/main.tf": clean}, "unit")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for {
			if _, err := os.Stat(alive); err == nil {
				cancel()
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	report, err := Validate{Scope: scope, Cache: t.TempDir(), Program: filepath.Join(dir, "terraform")}.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Results[0]; got.Verdict != pipelines.NotRun || !strings.Contains(got.Reason, "interrupted") {
		t.Errorf("got %+v", got)
	}
	before, _ := os.ReadFile(alive)
	time.Sleep(300 * time.Millisecond)
	if after, _ := os.ReadFile(alive); string(before) != string(after) {
		t.Error("a process that terraform started is still there")
	}
}

func TestValidateWithOpenTofu(t *testing.T) {
	if _, err := exec.LookPath("tofu"); err != nil {
		t.Skip("SKIPPED: tofu is not on PATH")
	}
	const required = "terraform {\n  required_providers {\n    random = {\n      source = \"registry.terraform.io/hashicorp/random\"\n    }\n  }\n}\n\n"
	scope := catalog(t, map[string]string{
		"good/main.tf":  required + "resource \"random_pet\" \"this\" {}\n",
		"bad/main.tofu": required + "resource \"random_pet\" \"this\" {\n  lenght = 1\n}\n",
	}, "good", "bad")
	mirror := testMirror(t)
	t.Setenv("PATH", onlyTofu(t))
	report := validate(t, Validate{Scope: scope, Mirror: mirror})
	for i, want := range []pipelines.Verdict{pipelines.Fail, pipelines.Pass} { // bad, good
		if got := report.Results[i]; got.Verdict != want {
			t.Errorf("got %+v, want %q", got, want)
		}
	}
	if f := report.Results[0].Findings; len(f) != 1 || f[0].Path != "bad/main.tofu" || f[0].Line != 10 {
		t.Errorf("findings: %+v", f)
	}
	if report.Tools[0].Name != "opentofu" || report.Tools[0].Version == "" {
		t.Errorf("tools: %+v", report.Tools)
	}
}

// onlyTofu is a PATH on which there is tofu but no terraform.
func onlyTofu(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	path, err := exec.LookPath("tofu")
	if err == nil {
		err = os.Symlink(path, filepath.Join(dir, "tofu"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
