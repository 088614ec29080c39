package main

import (
	"crypto"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/report"
)

func (p *program) approve() *cobra.Command {
	var named storeFlag
	var key, name, reason string
	var addresses []string
	var every bool
	cmd := &cobra.Command{
		Use:   "approve DIGEST --name NAME --key FILE",
		Short: "Approve the risky changes of a capsule, by name",
		Long: `Shows what of a capsule needs a person, and with --address or --every-address writes down,
signed with your key, that you approve it. apply looks for that record: it names the
capsule's digest and the addresses, and who wrote it must be an approver of the
environment who neither made the change nor sealed it.`,
		Example: `  penstock capsule approve sha256:16ef88e3...                       # shows what needs a person
  penstock capsule approve sha256:16ef88e3... --name ines --key ines.pem --reason OPS-12 --address aws_db_instance.main`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			kept, s, err := named.openIn(cmd.Context(), ".")
			if err != nil {
				return err
			}
			dir, err := os.MkdirTemp("", "penstock-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			c, err := live.Find(cmd.Context(), kept, given[0], dir)
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			fmt.Fprintf(p.out, "%s in %s, risk %s, by %s\n", report.Printable(c.Manifest.Unit), c.Manifest.Environment, c.Manifest.Risk.Level, report.Printable(c.Manifest.Creator.Actor))
			for _, a := range c.Manifest.Risk.Addresses {
				fmt.Fprintln(p.out, "  "+report.Printable(a))
			}
			if every {
				addresses = c.Manifest.Risk.Addresses
			}
			if len(addresses) == 0 {
				if len(c.Manifest.Risk.Addresses) == 0 {
					fmt.Fprintln(p.out, "nothing in it needs a person")
				} else {
					fmt.Fprintln(p.out, "nothing was approved: name addresses with --address, or take --every-address")
				}
				return nil
			}
			if key == "" || name == "" || strings.TrimSpace(reason) == "" {
				return usage("--key, --name and --reason are needed to approve")
			}
			signer, err := capsule.ReadSigner(key)
			if err != nil {
				return err
			}
			if err := mayApprove(s.config.Live, c, name, signer, addresses); err != nil {
				return err
			}
			if err := live.Approve(cmd.Context(), kept, live.ApprovalOf(c, name, reason, addresses, time.Now()), signer); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "approved by %s: %d of %d addresses\n", report.Printable(name), len(addresses), len(c.Manifest.Risk.Addresses))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&key, "key", "", "a `FILE` with your private ed25519 key")
	flags.StringVar(&name, "name", "", "your `NAME` under live.approvers")
	flags.StringVar(&reason, "reason", "", "why, such as a ticket")
	flags.StringArrayVar(&addresses, "address", nil, "approve the change at `ADDRESS`; may be given more than once")
	flags.BoolVar(&every, "every-address", false, "approve all that needs a person")
	named.add(cmd)
	return cmd
}

// mayApprove refuses an approval that apply would not count.
func mayApprove(c config.Live, of *capsule.Capsule, name string, key crypto.Signer, addresses []string) error {
	known, ok := c.Approvers[name]
	if !ok {
		return usage("there is no approver %q, there are %s", name, strings.Join(slices.Sorted(maps.Keys(c.Approvers)), ", "))
	}
	public, err := capsule.ParsePublic(known)
	if err != nil {
		return err
	}
	if !public.Equal(key.Public()) {
		return usage("the key is not that of %q in %s", name, config.File)
	}
	for _, author := range of.Manifest.Creator.Made() {
		if strings.EqualFold(author, name) {
			return usage("%q made the change, and cannot approve it", name)
		}
	}
	for _, address := range addresses {
		if !slices.Contains(of.Manifest.Risk.Addresses, address) {
			return usage("%q is not among what needs a person", address)
		}
	}
	return nil
}
