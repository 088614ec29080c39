package live_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/live"
)

func TestRefusesPlansOfForks(t *testing.T) {
	g := newGuarded(t)
	g.with("PENSTOCK_HEAD_REPOSITORY=mallory/live")
	g.sealed()
	g.with("PENSTOCK_HEAD_REPOSITORY=")
	g.refused("capsule", `it was made for a change from "mallory/live", which is not "acme/live"`, nil)
}

// A provider of a fork's plan can write to the record: the job says where it is from.
func TestTheRecordDoesNotSayWhereAPlanIsFrom(t *testing.T) {
	g := newGuarded(t)
	g.with("PENSTOCK_HEAD_REPOSITORY=mallory/live", "GITHUB_ACTOR=mallory")
	dir, _ := g.plan()
	g.rewrite(dir, func(r *live.Record) { r.Planned.Creator.HeadRepository, r.Planned.Creator.Actor = "acme/live", "ada" })
	if c := g.sealOf(dir); c.Manifest.Creator.Actor != "mallory" {
		t.Errorf("it was made by %q", c.Manifest.Creator.Actor)
	}
	g.with("PENSTOCK_HEAD_REPOSITORY=")
	g.refused("capsule", `it was made for a change from "mallory/live"`, nil)
}

func TestRefusesPlansOfAnotherRepository(t *testing.T) {
	g := newGuarded(t)
	g.sealed()
	g.with("GITHUB_REPOSITORY=acme/other")
	g.refused("capsule", `the repository is "acme/other", the capsule was made for "acme/live"`, nil)
}

func TestRefusesUnknownSigners(t *testing.T) {
	g := newGuarded(t)
	known := g.signing
	g.signing = keyFile(t, filepath.Join(g.tmp, "keys"), "other.pem", newKey(t))
	c := g.sealed()
	g.refused("capsule", "who is not one of the 1 known signers", nil)

	// One that nobody signed is no capsule at all.
	text, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	unsigned := filepath.Join(g.tmp, "unsigned.capsule")
	broken := strings.Replace(string(text), c.Signature.Signature, strings.Repeat("A", len(c.Signature.Signature)-2)+"==", 1)
	if err := os.WriteFile(unsigned, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	g.refused("capsule", "the signature of", nil, "--capsule", unsigned)

	g.signing = known
	g.write("penstock.yaml", g.yaml("  signers: {ci: "+fmt.Sprintf("%q", g.public)+"}\n", ""))
	g.commit()
	g.sealed()
	g.refused("capsule", `nobody may sign for "dvlp"`, nil)
}

func TestRefusesLocalAndDirtyPlansBehindGates(t *testing.T) {
	g := newGuarded(t)
	g.with("GITHUB_RUN_ID=")
	g.sealed()
	g.refused("capsule", "it was made on a person's machine, and \"dvlp\" has gates", nil)

	g = newGuarded(t)
	g.write("untracked", "x")
	g.sealed()
	if err := os.Remove(filepath.Join(g.dir, "untracked")); err != nil {
		t.Fatal(err)
	}
	g.refused("capsule", "it was made on a person's machine from a dirty tree", nil)

	g = newGuarded(t)
	g.sealed()
	g.write("untracked", "x")
	g.refused("capsule", "the checkout differs from its commit", nil)

	// Without gates both are taken, and any key.
	g = newGuarded(t)
	g.write("penstock.yaml", g.yaml("    - name: dvlp\n", "    - name: dvlp\n      gates: false\n"))
	g.commit()
	g.with("GITHUB_RUN_ID=")
	g.write("untracked", "x")
	g.signing = keyFile(t, filepath.Join(g.tmp, "keys"), "own.pem", newKey(t))
	g.sealed()
	g.applied()
}

// rewrite edits the record that a plan left.
func (g *guarded) rewrite(dir string, edit func(*live.Record)) {
	g.t.Helper()
	file := filepath.Join(dir, "targets/dvlp", guardedUnit, live.RecordFile)
	text, err := os.ReadFile(file)
	if err != nil {
		g.t.Fatal(err)
	}
	var r live.Record
	if err := json.Unmarshal(text, &r); err != nil {
		g.t.Fatal(err)
	}
	edit(&r)
	if text, err = json.Marshal(r); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		g.t.Fatal(err)
	}
}
