package live_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/capsule"
)

// wroteBy commits what is there on a branch, in the name of somebody, and returns the
// capsule of that change.
func (g *guarded) wroteBy(author, committer string) *capsule.Capsule {
	g.t.Helper()
	g.git("add", "-A")
	g.git("-c", "user.email="+committer, "commit", "-q", "-m", "c", "--author", "somebody <"+author+">")
	return g.sealed("--base", "HEAD~1")
}

// personal is penstock.yaml of an environment in which everything needs a person, with
// addresses of people.
func (g *guarded) personal(more string) string {
	return g.yaml("approve: destructive", "approve: low\n      approvals: forge", "  environments:\n", "  authors: {ines: [ines@acme.example], eva: [eva@acme.example]}\n"+more+"  environments:\n")
}

// Who wrote or committed a part of the change does not approve it, whoever opened the
// pull request.
func TestAuthorsOfCommitsDoNotApprove(t *testing.T) {
	for name, row := range map[string]struct{ author, committer, refused string }{
		"author":    {"Ines@acme.example", "eva@acme.example", `"ines" made the change, and cannot approve it`},
		"committer": {"eva@acme.example", "ines@acme.example", `"ines" made the change, and cannot approve it`},
		"login":     {"7+INES@users.noreply.github.com", "noreply@github.com", `"INES" made the change, and cannot approve it`},
		"others":    {"eva@acme.example", "nobody@knows.example", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuarded(t)
			g.write("penstock.yaml", g.personal(""))
			g.commit()
			g.write(guardedUnit+"/dvlp.tfvars", "input = \"2\"\n")
			c := g.wroteBy(row.author, row.committer)
			if got := c.Manifest.Creator; slices.ContainsFunc(got.Authors, func(n string) bool { return strings.EqualFold(n, "ines") }) != (row.refused != "") || got.Actor != "ada" {
				t.Errorf("the manifest: %+v", got)
			}
			args := []string{"capsule", "approve", c.Digest, "--name", "ines", "--key", g.approverPEM, "--reason", "OPS-1", "--every-address"}
			if code, out := g.penstock(args...); (code == 2 && strings.Contains(out, "made the change")) != (row.refused != "") {
				t.Errorf("approve: exit %d: %s", code, out)
			}
			if row.refused == "" {
				g.applied()
				return
			}
			g.approve(c, "ines", g.approverPEM, c.Manifest.Risk.Addresses...) // past the program's own question
			g.refused("approval", row.refused, nil)
		})
	}
}

// Where penstock.yaml asks for it, a change of which not every author is known is approved by nobody.
func TestAuthorsHaveToBeKnown(t *testing.T) {
	g := newGuarded(t)
	g.write("penstock.yaml", g.personal("  authors_known: true\n"))
	g.commit()
	refused := func(c *capsule.Capsule) {
		t.Helper()
		g.approve(c, "ines", g.approverPEM, c.Manifest.Risk.Addresses...)
		g.refused("approval", "it is not known who wrote each commit of the change", nil)
	}
	g.write(guardedUnit+"/dvlp.tfvars", "input = \"2\"\n")
	refused(g.wroteBy("eva@acme.example", "nobody@knows.example"))
	refused(g.sealed()) // without a base nobody knows what the change is
	g.write(guardedUnit+"/dvlp.tfvars", "input = \"3\"\n")
	c := g.wroteBy("eva@acme.example", "noreply@github.com")
	g.approve(c, "ines", g.approverPEM, c.Manifest.Risk.Addresses...)
	g.applied()
}
