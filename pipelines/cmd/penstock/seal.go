package main

import (
	"fmt"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/live"
)

func (p *program) seal() *cobra.Command {
	var f liveFlags
	var named storeFlag
	var key, plans string
	var asJSON, local bool
	var images map[string]string
	cmd := &cobra.Command{
		Use:   "seal [DIR] --plans PLANS --key FILE",
		Short: "Make capsules of what penstock plan wrote",
		Long: `Encrypts each plan to live.recipients and signs it. This process runs neither terraform
nor a provider, and what it can find out by itself (closure, risk, verdicts) it does not
take from the process that planned.`,
		Example: `  penstock capsule seal --base origin/main --plans plans --key signing.pem`,
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if plans == "" || key == "" {
				return usage("--plans and --key are needed")
			}
			s, err := f.scope.resolve(cmd.Context(), or(given, "."))
			if err != nil {
				return err
			}
			done, err := s.fetchRemoved(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			seal := live.Seal{Dir: plans, Scope: s.Scope, Config: s.config, Images: images, Mirror: f.mirror}
			seal.Creator, _ = f.who(cmd.Context(), s)
			if s.checkout != nil {
				seal.Authors = s.checkout.Authors
			} else {
				seal.Authors = live.Authors(cmd.Context(), s.Root, s.Selection.Base)
			}
			if seal.Key, err = capsule.ReadSigner(key); err != nil {
				return err
			}
			if !local {
				if seal.Store, err = named.open(cmd.Context(), s); err != nil {
					return err
				}
			}
			sealed, err := seal.Run(cmd.Context())
			if err != nil {
				return err
			}
			return p.sealed(sealed, asJSON)
		},
	}
	f.scope.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&plans, "plans", "", "the `DIR` that penstock plan wrote")
	flags.StringVar(&key, "key", "", "a `FILE` with the private ed25519 key to sign with")
	flags.StringVar(&f.mirror, "provider-mirror", "", "the mirror in `DIR` that plan took providers from: the page names it in the command that plans again")
	named.add(cmd)
	tokenFlags(cmd, nil)
	flags.BoolVar(&local, "local", false, "leave the capsules beside the plans, and keep them in no store")
	flags.BoolVar(&asJSON, "json", false, "print the capsules as JSON")
	flags.StringToStringVar(&images, "image", nil, "bind `TOOL=DIGEST` of an image that the plan ran in")
	return cmd
}

// sealed prints what was sealed.
func (p *program) sealed(sealed []live.Sealed, asJSON bool) error {
	p.verdict = pipelines.Pass
	if asJSON {
		return p.json(sealed)
	}
	for _, one := range sealed {
		fmt.Fprintf(p.out, "%s %s\n", one.Digest, one.Target)
	}
	if len(sealed) == 0 {
		fmt.Fprintln(p.out, "no plan has changes: there is nothing to seal")
	}
	return nil
}

func readIdentities(files []string) ([]age.Identity, error) {
	if len(files) == 0 {
		return nil, usage("--identity is needed: a capsule is opened with a private key")
	}
	return capsule.ReadIdentities(files...)
}
