package live_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/live"
)

// branch begins a pull request.
func (g *guarded) branch() { g.git("checkout", "-q", "-b", "topic") }

// merge brings the pull request to the trunk, as one commit, and goes there.
func (g *guarded) merge() {
	g.t.Helper()
	g.git("checkout", "-q", "main")
	g.git("merge", "-q", "--squash", "topic")
	g.commit()
}

const waiver = `compliance:
  waivers: [{rule: data-closed, unit: "**", owner: mallory, reason: because, expires: "2099-01-01"}]
`

// A policy that the pull request itself loosens: its plan and its capsule are judged
// by the base, and apply judges by the trunk.
func TestRefusesAPolicyLoosenedByTheChange(t *testing.T) {
	for name, loosen := range map[string]string{
		"waiver": waiver,
		"rule":   "compliance:\n  rules: {data-closed: {enabled: false}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuarded(t)
			g.branch()
			g.write("penstock.yaml", g.yaml("compliance:\n", loosen), guardedUnit+"/dvlp.tfvars", "input = \"open\"\n")
			g.commit()
			dir := filepath.Join(g.tmp, "out")
			code, out := g.penstock("plan", "--base", "main", "--out", dir, "--provider-mirror", g.mirror)
			if code != 1 || !strings.Contains(out, "the data is open") {
				t.Errorf("plan: exit %d: %s", code, out)
			}
			if r := g.records(dir)[guardedUnit]; r.Planned.Policies.Verdict != pipelines.Fail {
				t.Errorf("the record says %s", r.Planned.Policies.Verdict)
			}
			if c := g.sealOf(dir, "--base", "main"); c.Manifest.Policies.Verdict != pipelines.Fail || c.Manifest.Policies.Counts[pipelines.Fail] != 1 {
				t.Errorf("the capsule says %+v", c.Manifest.Policies)
			}
			// What came to the trunk is the unit alone.
			g.git("checkout", "-q", "main")
			g.git("checkout", "-q", "topic", "--", "live")
			g.commit()
			const base = "by the rules of the base, when it was planned, the plan was judged fail"
			g.refused("policy", base, nil)
			// With the excuse on the trunk it holds for what is planned from then on.
			g.git("checkout", "-q", "topic", "--", "penstock.yaml")
			g.commit()
			g.refused("policy", base, nil)
			g.applied("--capsule", g.sealed().Path)
		})
	}
}

// Who may sign, read and approve, what may run, and whether there are gates: for a
// change it counts as it was before it.
func TestRefusesWhatTheChangeAllowsItself(t *testing.T) {
	mallory := newKey(t)
	public := fmt.Sprintf("%q", capsule.FormatPublic(mallory.Public().(ed25519.PublicKey)))
	evil := func(t *testing.T) (*guarded, string) {
		g := newGuarded(t)
		g.branch()
		return g, keyFile(t, filepath.Join(g.tmp, "keys"), "mallory.pem", mallory)
	}
	t.Run("allow-list", func(t *testing.T) {
		g, _ := evil(t)
		g.write("penstock.yaml", g.yaml("  environments:\n", "  allow: {provisioners: [local-exec]}\n  environments:\n"), guardedUnit+"/main.tf", guardedCode+`
resource "terraform_data" "run" {
  provisioner "local-exec" {
    command = "touch ran"
  }
}
`)
		g.commit()
		dir := filepath.Join(g.tmp, "out")
		if code, out := g.penstock("plan", "--base", "main", "--out", dir); code != 1 || !strings.Contains(out, "local-exec") {
			t.Errorf("plan: exit %d: %s", code, out)
		}
		if r := g.records(dir)[guardedUnit]; r.Outcome != live.Refused {
			t.Errorf("the plan was not refused: %+v", r)
		}
		if out := g.seal(dir, "--base", "main"); !strings.Contains(out, "there is nothing to seal") {
			t.Errorf("seal: %s", out)
		}
		g.merge()
		g.refused("capsule", "there is no capsule for the closure", nil, "--base", "HEAD~1")
	})
	t.Run("recipients", func(t *testing.T) {
		g, _ := evil(t)
		identity, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		g.write("penstock.yaml", g.yaml("  recipients: [", "  recipients: ["+identity.Recipient().String()+", "), guardedUnit+"/dvlp.tfvars", "input = \"2\"\n")
		g.commit()
		c := g.sealed("--base", "main")
		if len(c.Envelope.Recipients) != 1 || c.Envelope.Recipients[0] != g.recipient {
			t.Errorf("it is sealed to %q", c.Envelope.Recipients)
		}
		key, err := capsule.ParsePublic(g.public)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Verify(capsule.Trust{Signers: map[string]ed25519.PublicKey{"ci": key}}); err != nil {
			t.Fatal(err)
		}
		if err := c.Open([]age.Identity{identity}, filepath.Join(g.tmp, "opened")); !errors.Is(err, capsule.ErrIdentity) {
			t.Errorf("the recipient of the change opens it: %v", err)
		}
	})
	t.Run("signers", func(t *testing.T) {
		g, pem := evil(t)
		g.write("penstock.yaml", g.yaml("  signers: {", "  signers: {mallory: "+public+", "), guardedUnit+"/dvlp.tfvars", "input = \"2\"\n")
		g.commit()
		g.signing = pem
		g.sealed("--base", "main")
		g.merge()
		g.refused("capsule", "who is not one of the 1 known signers", nil, "--base", "HEAD~1")
	})
	t.Run("approvers", func(t *testing.T) {
		g, pem := evil(t)
		g.git("checkout", "-q", "main")
		g.write("penstock.yaml", g.yaml("approve: destructive", "approve: low"))
		g.commit()
		g.git("branch", "-qf", "topic")
		g.git("checkout", "-q", "topic")
		g.write("penstock.yaml", g.yaml("approve: destructive", "approve: low", "  approvers: {", "  approvers: {mallory: "+public+", "),
			guardedUnit+"/dvlp.tfvars", "input = \"2\"\n")
		g.commit()
		c := g.sealed("--base", "main")
		g.approve(c, "mallory", pem, c.Manifest.Risk.Addresses...)
		g.merge()
		g.refused("approval", `"mallory" is not one of the 1 known approvers`, nil, "--base", "HEAD~1")
		g.approve(c, "ines", g.approverPEM, c.Manifest.Risk.Addresses...)
		g.applied("--base", "HEAD~1")
	})
	t.Run("gates", func(t *testing.T) {
		g, _ := evil(t)
		g.write("penstock.yaml", g.yaml("    - name: dvlp\n", "    - name: dvlp\n      gates: false\n"), guardedUnit+"/dvlp.tfvars", "input = \"2\"\n")
		g.commit()
		g.with("GITHUB_RUN_ID=")
		g.sealed("--base", "main")
		g.merge()
		g.refused("capsule", "it was made on a person's machine, and \"dvlp\" has gates", nil, "--base", "HEAD~1")
	})
}

// Risky changes want the word of a person who may give it, for this capsule and all of it.
func TestRefusesWithoutApproval(t *testing.T) {
	g := newGuarded(t)
	g.write("penstock.yaml", g.yaml("approve: destructive", "approve: low"))
	g.commit()
	c := g.sealed()
	addresses := c.Manifest.Risk.Addresses
	if !slices.Equal(addresses, []string{"terraform_data.one", "terraform_data.two"}) {
		t.Fatalf("a person is needed for %q", addresses)
	}
	g.refused("approval", "the risk is low, and nobody has approved terraform_data.one, terraform_data.two", nil)
	if _, results := g.apply(); len(results) != 1 || len(results[0].Findings) != 1 || !strings.Contains(results[0].Findings[0].Hint, " --reason WHY ") {
		t.Errorf("the hint names not all that is needed: %+v", results)
	}
	stranger := keyFile(t, filepath.Join(g.tmp, "keys"), "stranger.pem", newKey(t))
	for _, a := range []struct{ name, pem, reason string }{
		{"ada", g.approverPEM, `"ada" is not one of the 1 known approvers`},
		{"mallory", stranger, `"mallory" is not one of the 1 known approvers`},
		{"ines", stranger, "and the key of \"ines\" is"},
		{"INES", g.approverPEM, `"INES" is not one of the 1 known approvers`},
	} {
		g.approve(c, a.name, a.pem, addresses...)
		g.refused("approval", a.reason, nil)
		g.forget()
	}
	g.approve(c, "ines", g.approverPEM, "terraform_data.one")
	g.refused("approval", `it does not cover "terraform_data.two", one of the 2 addresses`, nil)
	g.forget()

	// One that was given for another capsule, put in the place of one for this.
	other := *c
	other.Digest = "sha256:" + strings.Repeat("1", 64)
	record, err := capsule.SignApproval(live.ApprovalOf(&other, "ines", "OPS-1", addresses, time.Now()), g.approver)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.store().Create(t.Context(), "approvals/"+strings.TrimPrefix(c.Digest, "sha256:")+"/x.json", bytes.NewReader(record)); err != nil {
		t.Fatal(err)
	}
	g.refused("approval", "it approves the capsule "+other.Digest, nil)
	g.forget()

	// The author, who is an approver too, under their name and under that of their key.
	g.write("penstock.yaml", g.yaml("approve: destructive", "approve: low", "approvers: {ines:", "approvers: {ada:"))
	g.commit()
	c = g.sealed()
	g.approve(c, "ada", g.approverPEM, addresses...)
	g.refused("approval", `"ada" made the change, and cannot approve it`, nil, "--capsule", c.Path)
	g.forget()

	g.write("penstock.yaml", g.yaml("approve: destructive", "approve: low"))
	g.commit()
	c = g.sealed()
	g.approve(c, "ines", g.approverPEM, addresses...)
	g.applied("--capsule", c.Path)
}

// forget takes the approvals out of the store again.
func (g *guarded) forget() {
	g.t.Helper()
	entries, err := g.store().List(g.t.Context(), "approvals/")
	if err != nil || len(entries) == 0 {
		g.t.Fatalf("there is no approval: %v", err)
	}
	for _, e := range entries {
		content, version, err := g.store().Read(g.t.Context(), e.Name)
		if err == nil {
			_ = content.Close()
			err = g.store().Delete(g.t.Context(), e.Name, version)
		}
		if err != nil {
			g.t.Fatal(err)
		}
	}
}
