package live

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/risk"
)

// byForge looks for somebody who let the run that applies use the environment: one of
// the approvers, who did not make the change, of a capsule that was there when they
// could first be asked. The forge does not tell when they said so, but the run was made
// before that. It returns who it was.
func (a *applying) byForge(ctx context.Context, t Target, c *capsule.Capsule, approvers map[string]ed25519.PublicKey) (string, error) {
	if why := byName(t, c); why != "" {
		return "", fmt.Errorf("%s: that is approved by name, with a signed record", why)
	}
	if a.CI.RunID == "" {
		return "", &pipelines.Error{Err: errors.New("this is no run of a forge"), Hint: "apply by the workflow, or " + signHint(c)}
	}
	f, err := forge.Open(a.Forge)
	if err != nil {
		return "", err
	}
	d, err := f.Deployment(ctx, a.CI)
	if err != nil {
		return "", err
	}
	if d.Commit != a.Commit {
		return "", &pipelines.Error{Err: fmt.Errorf("run %s was approved for the commit %s, the checkout is of %q", printable.Text(a.CI.RunID, 50), d.Commit, a.Commit),
			Hint: "apply the commit that the run is of, or " + signHint(c)}
	}
	// Both in whole seconds: of the same one nobody knows which came first.
	if sealed := c.Envelope.Sealed; !sealed.Before(d.Created) {
		return "", &pipelines.Error{Err: fmt.Errorf("the capsule was sealed at %s, and run %s is of %s: who approved it may not have seen the capsule",
			sealed.UTC().Format(time.RFC3339), printable.Text(a.CI.RunID, 50), d.Created.Format(time.RFC3339)),
			Hint: "start a new run of the deployment (not the old one again) and approve that, or " + signHint(c)}
	}
	return judged(t, c, d, approvers, a.CI.RunURL)
}

func signHint(c *capsule.Capsule) string {
	return "have one of the approvers run: penstock capsule approve " + c.Digest + " --name NAME --key FILE --reason WHY --every-address"
}

// byName says why a capsule can only be approved by a record that names what it does.
func byName(t Target, c *capsule.Capsule) string {
	switch m := c.Manifest; {
	case m.Destroy || t.removed:
		return fmt.Sprintf("it destroys all of %q", t.ID())
	case slices.Contains(m.Risk.Addresses, t.ID()): // no address of a resource is the path of a unit
		return fmt.Sprintf("it was planned again, by an apply of %q", t.ID())
	case m.Risk.Level != string(risk.High) && m.Risk.Level != string(risk.Low): // one that is not known is none of the lower
		return fmt.Sprintf("the risk is %s", printable.Text(m.Risk.Level, 50))
	}
	return ""
}

// judged says whose approval counts, and else why none does.
func judged(t Target, c *capsule.Capsule, d forge.Deployment, approvers map[string]ed25519.PublicKey, run string) (string, error) {
	var not []string
	for _, one := range d.Approvals {
		if !slices.ContainsFunc(one.Environments, func(name string) bool { return strings.EqualFold(name, t.Environment.Name) }) {
			continue
		}
		why := cannot(one.Login, c, approvers)
		if why == "" {
			return fmt.Sprintf("approved by %s on the forge: %s", printable.Text(one.Login, 100), run), nil
		}
		not = append(not, why)
	}
	if len(not) == 0 {
		return "", &pipelines.Error{Err: fmt.Errorf("nobody approved the environment %q of the run", t.Environment.Name),
			Hint: "give that environment required reviewers on the forge, or " + signHint(c)}
	}
	return "", &pipelines.Error{Err: errors.New(strings.Join(not, "; ")), Hint: "have another of the approvers approve a new run, or " + signHint(c)}
}

// cannot says why somebody's approval does not count, as capsule.VerifyApproval does.
func cannot(login string, c *capsule.Capsule, approvers map[string]ed25519.PublicKey) string {
	made, who := c.Manifest.Creator.Made(), printable.Text(login, 100)
	among := func(name string) bool { // a forge's names are the same in any case
		return slices.ContainsFunc(made, func(author string) bool { return strings.EqualFold(author, name) })
	}
	if among(login) {
		return fmt.Sprintf("%q made the change, and cannot approve it", who)
	}
	for name, key := range approvers {
		if !strings.EqualFold(name, login) {
			continue
		}
		if c.Signature.Signer == capsule.FormatPublic(key) {
			return fmt.Sprintf("the key of %q sealed the capsule, so that they cannot approve it", who)
		}
		for other, theirs := range approvers {
			if among(other) && theirs.Equal(key) {
				return fmt.Sprintf("the key of %q is that of %q, who made the change", who, printable.Text(other, 100))
			}
		}
		return ""
	}
	return fmt.Sprintf("%q is not one of the %d approvers", who, len(approvers))
}
