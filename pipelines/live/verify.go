package live

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// Keys parses public keys by name.
func Keys(named map[string]string) (map[string]ed25519.PublicKey, error) {
	keys := map[string]ed25519.PublicKey{}
	for name, text := range named {
		key, err := capsule.ParsePublic(text)
		if err != nil {
			return nil, fmt.Errorf("reading the key of %q in %s: %w", name, config.File, err)
		}
		keys[name] = key
	}
	return keys, nil
}

// verify checks what can be checked before terraform is started: who made the
// capsule, whether it still holds, and that it is of this unit as the trunk has it.
func (a *applying) verify(t Target, c *capsule.Capsule, closure string) error {
	signers, err := Keys(a.Config.Live.Signers)
	if err != nil {
		return err
	}
	if !t.Environment.Gated() && c.Manifest.Creator.Local {
		// An environment without gates takes what a person planned for themselves.
		if key, err := capsule.ParsePublic(c.Signature.Signer); err == nil {
			signers = map[string]ed25519.PublicKey{"local": key}
		}
	}
	if len(signers) == 0 {
		return &pipelines.Error{Err: fmt.Errorf("verifying the capsule of %q: nobody may sign for %q", t.ID(), t.Environment.Name),
			Hint: "name the public keys of those who seal under live.signers"}
	}
	if err := c.Verify(capsule.Trust{Signers: signers, Now: a.now()}); err != nil {
		return err
	}
	m := c.Manifest
	if t.Environment.Gated() && a.Creator.Dirty {
		return &pipelines.Error{Err: fmt.Errorf("applying %q: the checkout differs from its commit, and %q has gates", t.ID(), t.Environment.Name),
			Hint: "apply from a clean checkout of the trunk"}
	}
	if t.Environment.Gated() && (m.Creator.Dirty || m.Creator.Local) {
		return &pipelines.Error{Err: fmt.Errorf("verifying the capsule of %q: it was made on a person's machine%s, and %q has gates", t.ID(), dirty(m.Creator), t.Environment.Name),
			Hint: "open a pull request: its pipeline plans and seals"}
	}
	// State, lock and modules are compared once terraform told what they are.
	return c.Matches(capsule.Expect{Repository: a.Repository, Unit: t.Unit.Path, Environment: t.Environment.Name, Destroy: a.Destroy || t.removed, Closure: closure,
		State: m.State, Terraform: m.Terraform, Lock: m.Lock, Modules: m.Modules, Images: m.Images, Policies: m.Policies.Digest})
}

func dirty(c capsule.Creator) string {
	if c.Dirty {
		return " from a dirty tree"
	}
	return ""
}

// approved looks for the word of a person where the risk asks for it: a signed record,
// or else the forge's approval of this run, where the environment takes it. It says who
// gave the second: of the first the store has the record.
func (a *applying) approved(ctx context.Context, t Target, c *capsule.Capsule) (by string, err error) {
	approvers, err := a.signed(ctx, t, c)
	if err == nil || approvers == nil || !t.Environment.ByForge() {
		return "", err
	}
	by, forge := a.byForge(ctx, t, c, approvers)
	if forge == nil {
		return by, nil
	}
	hint := hintOf(forge)
	if hint == "" {
		hint = hintOf(err)
	}
	return "", &pipelines.Error{Err: fmt.Errorf("%w; by the forge: %w", err, forge), Hint: hint}
}

func hintOf(err error) string {
	var known *pipelines.Error
	if errors.As(err, &known) {
		return known.Hint
	}
	return ""
}

// signed looks for a signed record. With its error it returns the approvers of whom
// none gave one; nil where there is more that is wrong.
func (a *applying) signed(ctx context.Context, t Target, c *capsule.Capsule) (map[string]ed25519.PublicKey, error) {
	if t.removed && !t.Environment.Gated() && !slices.Contains(a.Only, t.ID()) {
		return nil, &pipelines.Error{Err: fmt.Errorf("approving: %q was taken away, and its plan destroys all of it", t.ID()),
			Hint: "name it: " + t.command("apply", a.Selection.Base, a.Mirror, "--identity", "FILE")}
	}
	if len(c.Manifest.Risk.Addresses) == 0 {
		return nil, nil
	}
	if a.Config.Live.AuthorsKnown && !c.Manifest.Creator.AuthorsKnown {
		return nil, &pipelines.Error{Err: errors.New("approving: it is not known who wrote each commit of the change, and live.authors_known asks for that"),
			Hint: "name the e-mail addresses of its authors and committers under live.authors, and plan and seal it again with --base"}
	}
	approvers, err := Keys(a.Config.Live.Approvers)
	if err != nil {
		return nil, err
	}
	for name := range approvers {
		if len(t.Environment.Approvers) > 0 && !slices.Contains(t.Environment.Approvers, name) {
			delete(approvers, name)
		}
	}
	entries, err := a.Store.List(ctx, approvalPrefix(c.Digest))
	if err != nil {
		return nil, fmt.Errorf("looking for approvals: %w", err)
	}
	var last error
	for _, entry := range entries {
		content, _, err := a.Store.Read(ctx, entry.Name)
		if err != nil {
			return nil, fmt.Errorf("reading an approval: %w", err)
		}
		text, err := io.ReadAll(io.LimitReader(content, 1<<20))
		if err = errors.Join(err, content.Close()); err != nil {
			return nil, fmt.Errorf("reading an approval: %w", err)
		}
		if _, last = capsule.VerifyApproval(text, c, approvers, a.now()); last == nil {
			return nil, nil
		}
	}
	err = fmt.Errorf("approving: the risk is %s, and nobody has approved %s", c.Manifest.Risk.Level, strings.Join(c.Manifest.Risk.Addresses, ", "))
	if last != nil {
		err = fmt.Errorf("%w (of %d approvals the last one: %w)", err, len(entries), last)
	}
	return approvers, &pipelines.Error{Err: err, Hint: "have one of the approvers run: penstock capsule approve " + c.Digest + " --name NAME --key FILE --reason WHY --every-address"}
}

func approvalPrefix(capsuleDigest string) string {
	return path.Join("approvals", hexOf(capsuleDigest)) + "/"
}
