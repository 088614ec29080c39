package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deploy"
	"github.com/penstock-dev/penstock/pipelines/image"
	"github.com/penstock-dev/penstock/pipelines/report"
)

func (p *program) serviceDeploy() *cobra.Command {
	var where serviceFlags
	var output outputFlags
	var d deploy.Deploy
	cmd := &cobra.Command{
		Use:   "service-deploy [DIR] --env NAME --image REPOSITORY@DIGEST",
		Short: "Bring a service into an environment: image, rights, infrastructure, values, release",
		Long: `Runs the parts of a deploy in their order: the image has to be attested by the environment
before; service-iam and service-iac are planned and, where they would change something,
applied; helm-values looks up what they wrote; helm-deploy releases the chart; and the image
is attested for the environment after this one. Each part is the command of that name, with
the same arguments: what one of them says is reproduced by it alone. A part that does not pass
stops those after it.

An environment without gates applies the plan that was just made. In one with gates only a
capsule is applied that was sealed when the change was reviewed (service-iac plan, seal).

It is an effect: Ctrl-C asks the part that runs to stop and waits for it. After a kill run
it again; where it says that an apply was cut off, run service-iac recover first.

Exit codes:
  0  all parts passed, or were left out by name
  1  a part was refused or failed
  2  the command line or penstock.yaml is wrong
  3  a part was not run, or something could not be read`,
		Example: `  penstock service-deploy --env dvlp --image registry.example.com/shop/orders@sha256:...
  penstock service-deploy --env prod --image registry.example.com/shop/orders:1f2e3d --identity key.txt --key signing.pem`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if err := output.check(); err != nil {
				return err
			}
			var err error
			if d.Service, err = where.open(ctx, d.Flags.Base); err != nil {
				return err
			}
			if d.Bundle, err = where.opened(ctx, d.Service); err != nil {
				return err
			}
			if d.Self, err = os.Executable(); err != nil {
				return fmt.Errorf("looking for the program: %w", err)
			}
			var who liveFlags
			creator, commit := who.who(ctx, scope{Scope: pipelines.Scope{Root: d.Service.Root}, config: d.Service.Config})
			d.Facts = image.Facts{Commit: commit, Actor: creator.Actor, Run: creator.Run}
			if err := absolute(&where.bundle, &d.Key, &d.Flags.Token, &d.Flags.ProviderMirror, &d.Flags.Parameters); err != nil {
				return err
			}
			for i := range d.Identities {
				if err := absolute(&d.Identities[i]); err != nil {
					return err
				}
			}
			d.Flags.Bundle = where.bundle
			progress := report.NewProgress(p.err, terminal(p.err))
			d.Progress, d.Stderr = progress.Event, p.err
			defer progress.Close()
			r, err := d.Run(ctx)
			if err != nil {
				return err
			}
			progress.Close()
			d.Service.Note(r, d.Bundle, "")
			return p.print(r, output)
		},
	}
	where.add(cmd)
	output.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&d.Image, "image", "", "the image: `REFERENCE` by its digest, or by a tag, which is resolved once")
	flags.StringVar(&d.Key, "key", "", "a `FILE` with the private key that seals plans and attests the image (default: nothing is attested, and an environment without gates seals with a key that is forgotten)")
	flags.StringArrayVar(&d.Identities, "identity", nil, "a `FILE` with a private key that opens capsules; may be given more than once")
	flags.StringVar(&d.Flags.Base, "base", "", "who may read, sign and approve is as it is on the merge base with `REF`")
	flags.StringVar(&d.Flags.Store, "store", "", "the `ADDRESS` of the store (default live.store of penstock.yaml)")
	flags.StringVar(&d.Flags.Terraform, "terraform", "", "the `PROGRAM` to run (default terraform, else tofu, of PATH)")
	flags.StringVar(&d.Flags.ProviderMirror, "provider-mirror", "", "take providers from the filesystem mirror in `DIR` only")
	tokenFlags(cmd, &d.Flags.Token)
	flags.StringVar(&d.Flags.Parameters, "parameters", "", "look parameters up as files in `DIR`, without a cloud")
	return cmd
}

// absolute makes paths whole: the parts of a deploy run in the service's repository.
func absolute(names ...*string) error {
	for _, name := range names {
		if *name == "" {
			continue
		}
		whole, err := filepath.Abs(*name)
		if err != nil {
			return err
		}
		*name = whole
	}
	return nil
}
