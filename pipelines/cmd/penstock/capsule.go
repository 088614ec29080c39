package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/report"
)

// capsule holds the commands on sealed plans.
func (p *program) capsule() *cobra.Command {
	cmd := &cobra.Command{
		Use: "capsule", Short: "Show, verify, open and rotate sealed plans, and make keys for them",
		Long: `A capsule is a sealed plan: plan file, plan JSON and log, encrypted to those who may
read them, with a public and signed manifest of what was planned.

Exit codes:
  0  shown, or the capsule holds
  1  the capsule is refused; the reason and both values are printed
  2  the command line or a key on it is wrong
  3  a file could not be read or written`,
		Args: args(cobra.NoArgs),
		RunE: p.help,
	}
	cmd.AddCommand(p.seal(), p.approve(), p.inspectCapsule(), p.verifyCapsule(), p.openCapsule(), p.rotateCapsule(), p.capsuleKeygen())
	return cmd
}

func (p *program) inspectCapsule() *cobra.Command {
	var json bool
	cmd := &cobra.Command{
		Use: "inspect FILE", Short: "Show the public part of a capsule, without saying who made it",
		Example: `  penstock capsule inspect vpc.capsule
  penstock capsule inspect vpc.capsule --json | jq .manifest.risk`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			c, err := capsule.Read(given[0])
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			if json {
				text, err := c.JSON()
				if err != nil {
					return err
				}
				_, err = p.out.Write(text)
				return err
			}
			p.showCapsule(c)
			return nil
		},
	}
	cmd.Flags().BoolVar(&json, "json", false, "print digest, manifest, envelope and signature as one JSON object")
	return cmd
}

// showCapsule prints what a reviewer asks first. Names in it are a stranger's.
func (p *program) showCapsule(c *capsule.Capsule) {
	m := c.Manifest
	line := func(name, format string, args ...any) {
		fmt.Fprintf(p.out, "%-12s %s\n", name, report.Printable(fmt.Sprintf(format, args...)))
	}
	line("capsule", "%s", c.Digest)
	line("unit", "%s", m.Unit)
	line("environment", "%s", m.Environment)
	if m.Destroy {
		line("destroys", "the whole unit")
	}
	line("closure", "%s", orNone(m.Closure))
	line("commit", "%s", orNone(m.Commit))
	line("state", "%s, lineage %s, serial %d", m.State.Backend, orNone(m.State.Lineage), m.State.Serial)
	line("program", "%s %s", m.Terraform.Name, m.Terraform.Version)
	line("policies", "%s", m.Policies.Verdict)
	line("risk", "%s, %d addresses need a person", m.Risk.Level, len(m.Risk.Addresses))
	for _, address := range m.Risk.Addresses {
		line("", "%s", address)
	}
	if len(m.After) > 0 {
		line("after", "%s", strings.Join(m.After, ", "))
	}
	from := m.Creator.Repository
	switch {
	case m.Creator.HeadRepository != m.Creator.Repository:
		from += ", from the fork " + orNone(m.Creator.HeadRepository)
	case m.Creator.Local:
		from += " on a person's machine"
	}
	if m.Creator.Dirty {
		from += ", with changes that are not in the commit"
	}
	line("made by", "%s in %s", m.Creator.Actor, strings.TrimSpace(from))
	line("holds", "from %s to %s", m.Created.Format(time.RFC3339), m.Expires.Format(time.RFC3339))
	for _, name := range slices.Sorted(maps.Keys(m.Members)) {
		line("member", "%s, %d bytes", name, m.Members[name].Size)
	}
	for _, recipient := range c.Envelope.Recipients {
		line("sealed to", "%s", recipient)
	}
	line("signed with", "%s", c.Signature.Signer)
	if c.Signer == "" {
		line("", "not verified: run penstock capsule verify with --signer")
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// signerFlag is whose capsules count.
type signerFlag []string

func (s *signerFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar((*[]string)(s), "signer", nil,
		"trust capsules signed with `[NAME=]KEY`: ed25519:... or a line ssh-ed25519 ...; may be given more than once")
}

func (s signerFlag) trust() (capsule.Trust, error) {
	trust := capsule.Trust{Signers: map[string]ed25519.PublicKey{}}
	if len(s) == 0 {
		return trust, usage("--signer is needed: without it nobody is trusted")
	}
	for _, text := range s {
		name, encoded, named := strings.Cut(text, "=")
		if !named || strings.ContainsAny(name, ": ") { // base64 ends with = too
			name, encoded = text, text
		}
		key, err := capsule.ParsePublic(encoded)
		if err != nil {
			return trust, usage("reading --signer: %w", err)
		}
		if other, ok := trust.Signers[name]; ok && !other.Equal(key) {
			return trust, usage("--signer gives %q two keys", name)
		}
		trust.Signers[name] = key
	}
	return trust, nil
}

// verified reads a capsule and verifies it.
func (s signerFlag) verified(path string) (*capsule.Capsule, error) {
	trust, err := s.trust()
	if err != nil {
		return nil, err
	}
	c, err := capsule.Read(path)
	if err != nil {
		return nil, err
	}
	return c, c.Verify(trust)
}

func (p *program) verifyCapsule() *cobra.Command {
	var signers signerFlag
	cmd := &cobra.Command{
		Use: "verify FILE --signer KEY...", Short: "Say whether someone trusted made a capsule, and whether it is whole and holds",
		Long: `Checks the signature, that the payload is the one that was signed, who can open it,
that the capsule has not expired and that it was not made for a change from a fork.
Nothing is decrypted. Whether it was made for this unit, closure and state is asked
when it is applied.`,
		Example: `  penstock capsule verify vpc.capsule --signer ci=ed25519:Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			c, err := signers.verified(given[0])
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			fmt.Fprintf(p.out, "%s holds until %s: %s in %s, signed by %s\n", c.Digest, c.Manifest.Expires.Format(time.RFC3339),
				report.Printable(c.Manifest.Unit), report.Printable(c.Manifest.Environment), report.Printable(c.Signer))
			return nil
		},
	}
	signers.add(cmd)
	return cmd
}

func (p *program) openCapsule() *cobra.Command {
	var signers signerFlag
	var identities []string
	var out string
	cmd := &cobra.Command{
		Use: "open FILE --signer KEY... --identity FILE --out DIR", Short: "Verify a capsule and decrypt its members into a directory",
		Long: `Verifies the capsule as penstock capsule verify does and writes its members into DIR,
each new and readable by you alone. What was written is as secret as the plan: it may
hold passwords. On an error nothing of it stays.`,
		Example: `  penstock capsule open vpc.capsule --signer ed25519:... --identity key.txt --out opened`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if len(identities) == 0 || out == "" {
				return usage("--identity and --out are needed")
			}
			keys, err := capsule.ReadIdentities(identities...)
			if err != nil {
				return ofKey(err)
			}
			c, err := signers.verified(given[0])
			if err != nil {
				return err
			}
			if err := c.Open(keys, out); err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			for _, name := range slices.Sorted(maps.Keys(c.Manifest.Members)) {
				fmt.Fprintln(p.out, report.Printable(filepath.Join(out, name)))
			}
			return nil
		},
	}
	signers.add(cmd)
	cmd.Flags().StringArrayVar(&identities, "identity", nil, "decrypt with the private key in `FILE`, of age or OpenSSH; may be given more than once")
	cmd.Flags().StringVar(&out, "out", "", "write the members into `DIR`, which is made where it does not exist")
	return cmd
}

func (p *program) rotateCapsule() *cobra.Command {
	var signers signerFlag
	var identities, recipients []string
	var key, out string
	cmd := &cobra.Command{
		Use:   "rotate FILE --signer KEY... --identity FILE --recipient KEY... --key FILE --out NEW",
		Short: "Encrypt a capsule to other recipients, with the same digest",
		Long: `Verifies the capsule, encrypts its members to the recipients and signs it anew. The
manifest and so the digest stay: approvals hold. All who shall open it have to be
named again. Who has the old file and could open it still can.`,
		Example: `  penstock capsule rotate vpc.capsule --signer ed25519:... --identity key.txt \
      --recipient age1... --recipient "ssh-ed25519 AAAA..." --key signing.pem --out new.capsule`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if len(identities) == 0 || len(recipients) == 0 || key == "" || out == "" {
				return usage("--identity, --recipient, --key and --out are needed")
			}
			trust, err := signers.trust()
			if err != nil {
				return err
			}
			rotation := capsule.Rotation{Trust: trust}
			if rotation.Recipients, err = capsule.ParseRecipients(recipients); err != nil {
				return usage("reading --recipient: %w", err)
			}
			if rotation.Identities, err = capsule.ReadIdentities(identities...); err != nil {
				return ofKey(err)
			}
			if rotation.Key, err = capsule.ReadSigner(key); err != nil {
				return ofKey(err)
			}
			if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
				return usage("%q is there already", out)
			}
			digest, err := capsule.Rotate(given[0], out, rotation)
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			fmt.Fprintln(p.out, digest)
			return nil
		},
	}
	signers.add(cmd)
	cmd.Flags().StringArrayVar(&identities, "identity", nil, "decrypt with the private key in `FILE`, of age or OpenSSH; may be given more than once")
	cmd.Flags().StringArrayVar(&recipients, "recipient", nil, "encrypt to the public `KEY`: age1..., ssh-ed25519 ... or ssh-rsa ...; may be given more than once")
	cmd.Flags().StringVar(&key, "key", "", "sign with the ed25519 private key in `FILE`, PEM or OpenSSH")
	cmd.Flags().StringVar(&out, "out", "", "write the new capsule to `NEW`, which must not exist")
	return cmd
}

func (p *program) capsuleKeygen() *cobra.Command {
	var out string
	var identity bool
	cmd := &cobra.Command{
		Use: "keygen --out FILE", Short: "Make a key to sign capsules with, or one to open them",
		Long: `Writes a new private key to FILE, readable by you alone, and prints the public one:
an ed25519 key to sign with (for --key and --signer), or with --identity a key of age
to open with (for --identity and --recipient).`,
		Example: `  penstock capsule keygen --out signing.pem
  penstock capsule keygen --identity --out key.txt`,
		Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return usage("--out is needed: a private key is not printed")
			}
			generate := capsule.GenerateKey
			if identity {
				generate = capsule.GenerateIdentity
			}
			private, public, err := generate()
			if err != nil {
				return err
			}
			if err := writePrivate(out, private); err != nil {
				return fmt.Errorf("writing the private key: %w", err)
			}
			p.verdict = pipelines.Pass
			fmt.Fprintln(p.out, public)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write the private key to `FILE`, which must not exist")
	cmd.Flags().BoolVar(&identity, "identity", false, "make a key to open with instead of one to sign with")
	return cmd
}

// writePrivate writes a new file that its owner alone can read.
func writePrivate(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}

// ofKey is the error of a key on the command line: a file that holds none is a
// wrong argument, one that cannot be read is not.
func ofKey(err error) error {
	if errors.Is(err, capsule.ErrKey) {
		return usageError{err}
	}
	return err
}
