package live_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// wrapped is a terraform that runs some shell first, or in its own place.
func (g *guarded) wrapped(shell string) string {
	g.t.Helper()
	real, err := exec.LookPath("terraform")
	if err != nil {
		g.t.Fatal(err)
	}
	file := filepath.Join(g.temporary(), "terraform")
	if err := os.WriteFile(file, []byte("#!/bin/sh\nreal="+real+"\n"+shell+"\nexec $real \"$@\"\n"), 0o755); err != nil {
		g.t.Fatal(err)
	}
	return file
}

// no state, so the intent stays for recover.
func TestACrashOfTerraformIsLeftToRecover(t *testing.T) {
	g := newGuarded(t)
	g.sealed()
	program := g.wrapped(`if [ "$1" = apply ]; then $real "$@"; exit 11; fi`)
	code, results := g.apply("--terraform", program)
	if code != 3 || len(results) != 1 || !strings.Contains(results[0].Reason, "it crashed, with 11") || !strings.Contains(results[0].Hint, "penstock recover") {
		t.Fatalf("exit %d: %+v", code, results)
	}
	if held, err := ledger.New(g.store()).Look(t.Context(), guardedTarget); err != nil {
		t.Errorf("the lease: %+v, %v", held, err)
	}
	if out := g.must("recover"); !strings.Contains(out, "2 changes were applied, of 0 that is not known") {
		t.Errorf("recover: %s", out)
	}
}
