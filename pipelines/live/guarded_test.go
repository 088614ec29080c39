package live_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// guarded is a repository with gates: its units need no provider, and its state lies
// in files outside of it. The program believes that it runs in a job of a forge.
type guarded struct {
	*project
	approver    ed25519.PrivateKey
	approverPEM string
}

const (
	guardedUnit   = "live/dvlp/app"
	guardedTarget = "dvlp/live/dvlp/app"

	guardedCode = `terraform {
  required_version = ">= 1.4"
}
variable "input" {
  type = string
}
resource "terraform_data" "one" {
  input = var.input
}
resource "terraform_data" "two" {
  input = "two"
}
`
	guardedPolicy = `# METADATA
# title: Data is closed
# custom:
#   id: data-closed
#   severity: high
#   remediation: close it
#   resources:
#     terraform_data: [input]
package example.data_closed

deny contains {"message": "the data is open", "attribute": "input"} if {
	input.resource.values.input == "open"
}
`
)

// ci is the environment of a job of the forge.
func ci(more ...string) []string {
	return append([]string{"GITHUB_ACTIONS=true", "GITHUB_ACTOR=ada", "GITHUB_REPOSITORY=acme/live", "GITHUB_RUN_ID=7", "GITHUB_RUN_ATTEMPT=1",
		"GITHUB_SERVER_URL=https://github.example", "GITHUB_REF=refs/pull/1/merge"}, more...)
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{project: newProject(t), approver: newKey(t)}
	g.approverPEM = keyFile(t, filepath.Join(g.tmp, "keys"), "approver.pem", g.approver)
	g.env = append(g.env, ci()...)
	g.write("penstock.yaml", g.yaml(), "policies/data_closed.rego", guardedPolicy,
		guardedUnit+"/main.tf", guardedCode, guardedUnit+"/dvlp.tfvars", "input = \"1\"\n")
	g.commit()
	return g
}

// yaml is penstock.yaml, with replacements: old, new, ...
func (g *guarded) yaml(replacements ...string) string {
	text := fmt.Sprintf(`version: 1
units:
  - {path: "live/**", kind: live}
compliance:
  policies: [policies]
live:
  store: %q
  recipients: [%q]
  signers: {ci: %q}
  approvers: {ines: %q}
  environments:
    - name: dvlp
      approve: destructive
      backend: {type: local, config: {path: %[5]q}}
    - name: prod
      approve: destructive
      backend: {type: local, config: {path: %[5]q}}
`, g.address, g.recipient, g.public, capsule.FormatPublic(g.approver.Public().(ed25519.PublicKey)), filepath.Join(g.tmp, "state/{env}/{unit}.tfstate"))
	for i := 0; i < len(replacements); i += 2 {
		if !strings.Contains(text, replacements[i]) {
			g.t.Fatalf("penstock.yaml has no %q", replacements[i])
		}
		text = strings.ReplaceAll(text, replacements[i], replacements[i+1])
	}
	return text
}

// with sets variables of the program's environment; the last one of a name counts.
func (g *guarded) with(pairs ...string) { g.env = append(g.env, pairs...) }

// sealed plans and seals everything that changed, as the pipeline of a pull request.
func (g *guarded) sealed(args ...string) *capsule.Capsule {
	g.t.Helper()
	dir, _ := g.plan(args...)
	return g.sealOf(dir, args...)
}

// sealOf seals one plan and reads its capsule.
func (g *guarded) sealOf(dir string, args ...string) *capsule.Capsule {
	g.t.Helper()
	g.seal(dir, args...)
	files, _ := filepath.Glob(filepath.Join(dir, "targets/*/*/*/*/plan.capsule"))
	more, _ := filepath.Glob(filepath.Join(dir, "targets/*/*/*/plan.capsule"))
	files = append(files, more...)
	if len(files) == 0 {
		g.t.Fatal("there is no capsule")
	}
	c, err := capsule.Read(files[0])
	if err != nil {
		g.t.Fatal(err)
	}
	return c
}

// world is all that an apply could change: the states and the store, by name.
func (g *guarded) world() map[string]string {
	g.t.Helper()
	found := map[string]string{}
	entries, err := g.store().List(g.t.Context(), "")
	if err != nil {
		g.t.Fatal(err)
	}
	for _, e := range entries {
		content, _, err := g.store().Read(g.t.Context(), e.Name)
		if err != nil {
			g.t.Fatal(err)
		}
		text, err := io.ReadAll(content)
		_ = content.Close()
		if err != nil {
			g.t.Fatal(err)
		}
		found["store/"+e.Name] = string(text)
	}
	base := filepath.Join(g.tmp, "state")
	if _, err := os.Stat(base); err == nil {
		if err := filepath.WalkDir(base, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(name)
			found["state/"+strings.TrimPrefix(name, base+"/")] = string(text)
			return err
		}); err != nil {
			g.t.Fatal(err)
		}
	}
	return found
}

// same holds the world against what it was; events may have come to one new journal.
func (g *guarded) same(before map[string]string, events ...ledger.Event) {
	g.t.Helper()
	after := g.world()
	var came []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		was, there := before[name]
		switch {
		case !there && strings.HasPrefix(name, "store/journal/"):
			came = append(came, strings.TrimSuffix(name[strings.LastIndex(name, "-")+1:], ".json"))
		case !there:
			g.t.Errorf("%s was made", name)
		case was != after[name]:
			g.t.Errorf("%s was changed", name)
		}
		delete(before, name)
	}
	for name := range before {
		g.t.Errorf("%s is gone", name)
	}
	var expected []string
	for _, e := range events {
		expected = append(expected, string(e))
	}
	if !slices.Equal(came, expected) {
		g.t.Errorf("to the journal came %q, not %q", came, expected)
	}
}

// apply applies and returns the results, by unit.
func (g *guarded) apply(args ...string) (int, []pipelines.Result) {
	g.t.Helper()
	cmd := g.command(g.applying(append([]string{"--json"}, args...)...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	var r pipelines.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		g.t.Fatalf("the report of apply: %v:\n%s\n%s", err, out.String(), errs.String())
	}
	return cmd.ProcessState.ExitCode(), r.Results
}

// refused applies, which has to be refused by a rule and for a reason, with nothing changed
// beyond the events of a journal. Without a rule it is not run.
func (g *guarded) refused(rule, reason string, events []ledger.Event, args ...string) {
	g.t.Helper()
	before := g.world()
	code, results := g.apply(args...)
	if len(results) != 1 {
		g.t.Fatalf("%d results: %+v", len(results), results)
	}
	r := results[0]
	if rule == "" {
		if code != 3 || r.Verdict != pipelines.NotRun || !strings.Contains(r.Reason, reason) {
			g.t.Errorf("exit %d, %s: %q; it shall not be run for %q", code, r.Verdict, r.Reason, reason)
		}
	} else if code != 1 || len(r.Findings) != 1 || r.Findings[0].Rule != rule || !strings.Contains(r.Findings[0].Message, reason) {
		g.t.Errorf("exit %d, %s, %q, %+v; it shall be refused by %q for %q", code, r.Verdict, r.Reason, r.Findings, rule, reason)
	}
	g.same(before, events...)
}

// applied applies, which has to pass.
func (g *guarded) applied(args ...string) pipelines.Result {
	g.t.Helper()
	code, results := g.apply(args...)
	if code != 0 || len(results) != 1 || results[0].Verdict != pipelines.Pass {
		g.t.Fatalf("exit %d: %+v; it shall be applied", code, results)
	}
	return results[0]
}

// stateFile is the state of a unit.
func (g *guarded) stateFile(environment, unit string) string {
	return filepath.Join(g.tmp, "state", environment, unit+".tfstate")
}
