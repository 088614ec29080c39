package main

import (
	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines/release"
)

func (p *program) releaseVerify() *cobra.Command {
	var o outputFlags
	cmd := &cobra.Command{
		Use:   "verify [REMOTE]",
		Short: "Find tags that were moved or deleted, and records that were altered",
		Long: `Holds the tags of REMOTE (default: origin), a name or an address, against the records of its
releases: tags that were moved, deleted, or made anew; tags that no release made; records
that were altered or are gone; commits that hold something else than was recorded.

Exit codes:
  0  all is as it was released
  1  something is not
  2  the command line is wrong
  3  the remote could not be read, or has no releases`,
		Example: `  penstock release verify
  penstock release verify https://git.example.com/acme/infrastructure-modules.git --json`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := o.check(); err != nil {
				return err
			}
			r, err := release.Verify{Dir: ".", Remote: or(given, "origin")}.Run(cmd.Context())
			if err != nil {
				return err
			}
			return p.print(r, o)
		},
	}
	o.add(cmd)
	return cmd
}
