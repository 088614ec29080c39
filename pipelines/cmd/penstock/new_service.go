package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/scaffold"
)

func (p *program) newService() *cobra.Command {
	var s scaffold.Service
	cmd := &cobra.Command{
		Use:   "service NAME --owner SQUAD",
		Short: "Write the first files of a service's repository",
		Long: `Writes the directory NAME: penstock.yaml with one environment, dvlp, and the files of
values that a squad keeps. Everything else comes from the platform's bundle. Nothing that
is there is overwritten.`,
		Example: `  penstock new service orders --owner team-shop --account 111111111111`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, given []string) error {
			var err error
			if s.Root, err = directory("."); err != nil {
				return err
			}
			s.Name = given[0]
			written, err := s.Write()
			if errors.Is(err, scaffold.ErrArgument) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			for _, name := range written {
				fmt.Fprintln(p.out, report.Printable(name))
			}
			fmt.Fprintf(p.out, "next: run penstock service explain %s --env dvlp --bundle DIR\n", report.Printable(s.Name))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.Owner, "owner", "", "the `SQUAD` that answers for it")
	flags.StringVar(&s.Account, "account", "000000000000", "the `ACCOUNT` of dvlp, 12 digits")
	flags.StringVar(&s.Region, "region", "eu-west-1", "the `REGION` of dvlp")
	return cmd
}
