package live_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/live"
)

// What is reviewed is applied: without this, no refusal below means anything.
func TestAppliesWhatWasReviewed(t *testing.T) {
	g := newGuarded(t)
	c := g.sealed()
	if c.Manifest.Creator.Actor != "ada" || c.Manifest.Creator.Local || c.Manifest.Creator.Dirty || c.Manifest.Policies.Verdict != pipelines.Pass {
		t.Errorf("the manifest: %+v", c.Manifest)
	}
	if r := g.applied(); !strings.Contains(r.Reason, "applied "+c.Digest+": 2 changes") {
		t.Errorf("it said %q", r.Reason)
	}
	runs := g.runs(guardedTarget)
	if len(runs) != 1 || !runs[0].Over() {
		t.Errorf("the journal: %+v", runs)
	}
	if text, err := os.ReadFile(g.stateFile("dvlp", guardedUnit)); err != nil || strings.Count(string(text), `"type": "terraform_data"`) != 2 {
		t.Errorf("the state: %v: %s", err, text)
	}
}

func TestRefusesAnotherClosure(t *testing.T) {
	g := newGuarded(t)
	c := g.sealed()
	g.write(guardedUnit+"/dvlp.tfvars", "input = \"2\"\n")
	g.commit()
	g.refused("capsule", "there is no capsule for the closure that the trunk has", nil)
	g.refused("capsule", "the trunk's closure is", nil, "--capsule", c.Path)
	// An edit of what is not the unit's spoils nothing.
	g.write(guardedUnit+"/dvlp.tfvars", "input = \"1\"\n", "README.md", "more")
	g.commit()
	g.applied()
}

func TestRefusesAChangedLockFile(t *testing.T) {
	g := newGuarded(t)
	lock := guardedUnit + "/.terraform.lock.hcl"
	g.write(lock, "# 1\n")
	g.commit()
	g.sealed()
	g.write(lock, "# 2\n")
	g.commit()
	g.refused("capsule", "there is no capsule for the closure that the trunk has", nil)
}

// A unit without a lock file gets one from the mirror, which may have changed.
func TestRefusesAnotherGeneratedLock(t *testing.T) {
	g := newGuarded(t)
	from := filepath.Join(mirror(t, "local"), "registry.terraform.io/hashicorp/local")
	g.mirror = filepath.Join(g.tmp, "mirror")
	to := filepath.Join(g.mirror, "registry.terraform.io/hashicorp/local")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	g.write(guardedUnit+"/main.tf", guardedCode+`
resource "local_file" "f" {
  filename = "${path.module}/x"
  content  = "x"
}
`)
	g.commit()
	g.sealed()
	versions, _ := filepath.Glob(filepath.Join(to, "*"))
	if len(versions) != 1 || os.Rename(versions[0], filepath.Join(to, "99.0.0")) != nil {
		t.Fatal(versions)
	}
	g.refused("capsule", "the digest of .terraform.lock.hcl is", nil)
}

func TestRefusesAMovedModuleTag(t *testing.T) {
	g := newGuarded(t)
	modules := filepath.Join(g.tmp, "modules")
	module := &project{t: t, dir: modules, env: g.env}
	if err := os.Mkdir(modules, 0o700); err != nil {
		t.Fatal(err)
	}
	module.git("init", "-q", "-b", "main")
	module.write("m/main.tf", "resource \"terraform_data\" \"m\" {}\n")
	module.commit()
	module.git("tag", "v1")
	g.write("penstock.yaml", g.yaml("  environments:\n", fmt.Sprintf("  allow: {modules: [%q]}\n  environments:\n", "git::file://"+modules+"//m*")),
		guardedUnit+"/main.tf", guardedCode+fmt.Sprintf("module \"m\" {\n  source = %q\n}\n", "git::file://"+modules+"//m?ref=v1"))
	g.commit()
	c := g.sealed()
	if len(c.Manifest.Modules) != 1 {
		t.Fatalf("the modules: %v", c.Manifest.Modules)
	}
	module.write("m/main.tf", "resource \"terraform_data\" \"m\" {}\n# moved\n")
	module.commit()
	module.git("tag", "-f", "v1")
	g.refused("capsule", `the module "m" is`, nil)
	module.git("tag", "-f", "v1", "v1~1")
	g.applied()
}

func TestRefusesExpiredPlans(t *testing.T) {
	g := newGuarded(t)
	dir, _ := g.plan()
	g.rewrite(dir, func(r *live.Record) { r.Planned.Created = r.Planned.Created.Add(-73 * time.Hour) })
	g.sealOf(dir)
	g.refused("capsule", "it expired at", nil)

	g = newGuarded(t)
	dir, _ = g.plan()
	g.rewrite(dir, func(r *live.Record) { r.Planned.Created = r.Planned.Created.Add(time.Hour) })
	if code, out := g.penstock("capsule", "seal", "--plans", dir, "--key", g.signing); code != 3 || !strings.Contains(out, "it was not planned yet") {
		t.Errorf("sealing a plan of tomorrow: exit %d: %s", code, out)
	}
}

func TestRefusesReplays(t *testing.T) {
	g := newGuarded(t)
	c := g.sealed()
	g.applied()
	used := "the capsule " + c.Digest + " was used before, by run "
	again := func() { // nobody named it: that it was applied is all that was asked for
		before := g.world()
		if r := g.applied(); !strings.Contains(r.Reason, "nothing is left to change") {
			t.Errorf("it said %q", r.Reason)
		}
		g.same(before)
	}
	again()
	g.refused("capsule", used, nil, "--capsule", c.Path)
	// Even where what it made is gone again, and it would fit the state.
	kept, err := os.ReadFile(g.stateFile("dvlp", guardedUnit))
	if err == nil {
		err = os.Remove(g.stateFile("dvlp", guardedUnit))
	}
	if err != nil {
		t.Fatal(err)
	}
	g.refused("capsule", used, nil)
	g.refused("capsule", used, nil, "--capsule", c.Path)
	if err := os.WriteFile(g.stateFile("dvlp", guardedUnit), kept, 0o600); err != nil {
		t.Fatal(err)
	}
	// Once it is not the last that was applied, it is none that holds.
	g.write(guardedUnit+"/dvlp.tfvars", "input = \"2\"\n")
	g.commit()
	g.sealed()
	g.applied()
	g.write(guardedUnit+"/dvlp.tfvars", "input = \"1\"\n")
	g.commit()
	g.refused("capsule", used, nil)
}

func TestRefusesTheCapsuleOfAnotherEnvironment(t *testing.T) {
	g := newGuarded(t)
	g.git("rm", "-rq", "live")
	g.write("live/app/main.tf", guardedCode, "live/app/dvlp.tfvars", "input = \"1\"\n", "live/app/prod.tfvars", "input = \"1\"\n")
	g.commit()
	dir, _ := g.plan("--environment", "dvlp")
	g.seal(dir)
	made, err := g.store().List(t.Context(), "capsules/dvlp/")
	if err != nil || len(made) != 1 {
		t.Fatalf("%v, %v", made, err)
	}
	prod, _ := g.plan("--environment", "prod")
	g.seal(prod)
	kept, err := g.store().List(t.Context(), "capsules/prod/")
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v, %v", kept, err)
	}
	// Whoever can write to the store puts the one into the place of the other.
	content, _, err := g.store().Read(t.Context(), made[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	file := filepath.Join(g.tmp, "swapped.capsule")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.ReadFrom(content); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	if err := g.store().Create(t.Context(), path.Dir(kept[0].Name)+"/99990101T000000Z-"+strings.Repeat("0", 16)+".capsule", out); err != nil {
		t.Fatal(err)
	}
	_ = out.Close()
	g.refused("capsule", `the environment is "prod", the capsule was made for "dvlp"`, nil, "--environment", "prod")
	g.refused("capsule", "there is no capsule of it among the files", nil, "--environment", "prod", "--capsule", file)
}

// edit changes a state as another tool would.
func (g *guarded) edit(environment string, change func(state map[string]any)) {
	g.t.Helper()
	file := g.stateFile(environment, guardedUnit)
	text, err := os.ReadFile(file)
	if err != nil {
		g.t.Fatal(err)
	}
	state := map[string]any{}
	if err := json.Unmarshal(text, &state); err != nil {
		g.t.Fatal(err)
	}
	change(state)
	state["serial"] = state["serial"].(float64) + 1
	if text, err = json.Marshal(state); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		g.t.Fatal(err)
	}
}

func TestPlansAnewWhereTheStateMoved(t *testing.T) {
	g := newGuarded(t)
	g.sealed()
	g.applied()
	g.write(guardedUnit+"/dvlp.tfvars", "input = \"2\"\n")
	g.commit()
	c := g.sealed()
	g.edit("dvlp", func(map[string]any) {}) // the same changes: they were reviewed
	g.applied("--capsule", c.Path)

	g.write(guardedUnit+"/dvlp.tfvars", "input = \"3\"\n")
	g.commit()
	g.sealed()
	g.edit("dvlp", func(state map[string]any) { // the second is to be made again: nobody saw that
		state["resources"] = state["resources"].([]any)[:1]
	})
	replanned := filepath.Join(g.tmp, "replanned")
	g.refused("approval", "what it would change now is not what was reviewed: 1 to create, 1 to update", nil, "--replanned", replanned)
	records := g.records(replanned)
	if records[guardedUnit].Outcome != live.Changes {
		t.Errorf("kept is %+v", records)
	}
	// The plan that was kept is applied once a person approved it by name.
	again := g.sealOf(replanned)
	g.refused("approval", "nobody has approved "+guardedUnit, nil, "--capsule", again.Path)
	g.approve(again, "ines", g.approverPEM, again.Manifest.Risk.Addresses...)
	g.applied("--capsule", again.Path) // of two in one second the store does not tell the later
}

func TestRefusesWhileALiveRunHasTheLease(t *testing.T) {
	g := newGuarded(t)
	g.sealed()
	owner, err := ledger.NewOwner("eva", ledger.CI{})
	if err != nil {
		t.Fatal(err)
	}
	lease, err := ledger.New(g.store()).Acquire(t.Context(), guardedTarget, owner, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	g.refused("", `"dvlp/live/dvlp/app" is held by run `+owner.Run+" of eva", nil)
	// Nor is it taken away, by recover either, with --end or without: this process lives.
	before := g.world()
	if code, out := g.penstock("recover"); code != 3 || !strings.Contains(out, "of eva is alive: its process") {
		t.Errorf("recover: exit %d: %s", code, out)
	}
	g.same(before)
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.applied()
}

// A job that has the key to sign with starts no provider.
func TestRefusesToPlanWithAKeyInReach(t *testing.T) {
	g := newGuarded(t)
	text, err := os.ReadFile(g.signing)
	if err != nil {
		t.Fatal(err)
	}
	g.sealed()
	g.with("PENSTOCK_SIGNING_KEY=" + string(text))
	before := g.world()
	for _, args := range [][]string{{"plan", "--out", filepath.Join(g.tmp, "out")}, g.applying()} {
		if code, out := g.penstock(args...); code != 3 || !strings.Contains(out, "PENSTOCK_SIGNING_KEY is in the environment") {
			t.Errorf("%s: exit %d: %s", args[0], code, out)
		}
	}
	g.same(before)
}

// Whoever has the plan's directory can swap what is in it, and the right key then
// signs it: apply reads the plan file itself.
func TestRefusesAPlanFileBehindAnotherPlansJSON(t *testing.T) {
	g := newGuarded(t)
	shown, _ := g.plan()
	g.write(guardedUnit+"/dvlp.tfvars", "input = \"evil\"\n")
	done, _ := g.plan()
	g.git("checkout", "-q", ".")
	at := filepath.Join("targets/dvlp", guardedUnit)
	if err := os.Rename(filepath.Join(done, at, live.PlanFile), filepath.Join(shown, at, live.PlanFile)); err != nil {
		t.Fatal(err)
	}
	g.sealOf(shown)
	g.refused("capsule", "the plan file does not hold the changes that were reviewed", nil)
}

// approve keeps an approval that could have been meant for a capsule. Whoever may
// write to the store need not take the program, which refuses those that do not count.
func (g *guarded) approve(c *capsule.Capsule, name, pem string, addresses ...string) {
	g.t.Helper()
	key, err := capsule.ReadSigner(pem)
	if err == nil {
		err = live.Approve(g.t.Context(), g.store(), live.ApprovalOf(c, name, "OPS-1", addresses, time.Now()), key)
	}
	if err != nil {
		g.t.Fatal(err)
	}
}
