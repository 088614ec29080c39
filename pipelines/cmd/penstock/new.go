package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/scaffold"
)

// new holds the commands that write what a person then goes on with.
func (p *program) new() *cobra.Command {
	cmd := &cobra.Command{
		Use: "new", Short: "Write the first files of something",
		Args: args(cobra.NoArgs), RunE: p.help,
	}
	cmd.AddCommand(p.newUnit(), p.newService(), p.newInfraType())
	return cmd
}

func (p *program) newUnit() *cobra.Command {
	var u scaffold.Unit
	cmd := &cobra.Command{
		Use:   "unit PATH --module SOURCE",
		Short: "Write the first configuration of a module as a live unit",
		Long: `Writes a live unit that calls a module: what the module requires becomes variables of
the unit, whose values are left for you in a file ENVIRONMENT.tfvars, its optional
variables stand there as comments with their defaults, its outputs are passed on, and its
providers and the environment's backend are declared. Run it at the root of the repository.

SOURCE is a git reference with a version, or a module of this repository that begins with
"./". The module is read and never run. Nothing that is there is overwritten.

PATH says by its parts which environment the unit is in, as live/dvlp/network does. A path
that says none, such as live/network, is in each that has a file of values: in all of
penstock.yaml, or in the one that --environment names.`,
		Example: `  penstock new unit live/dvlp/network --module "git::https://github.com/acme/infrastructure-modules.git//modules/vpc?ref=v1.2.0"
  penstock new unit live/orders --environment dvlp --module ./modules/service`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if u.Source == "" {
				return usage("--module is needed: it is what the unit calls")
			}
			var err error
			u.Path = strings.TrimSuffix(given[0], "/")
			if u.Root, err = directory("."); err != nil {
				return err
			}
			if u.Config, err = config.Load(os.DirFS(u.Root)); err != nil {
				return err
			}
			written, err := u.Write(cmd.Context())
			if errors.Is(err, scaffold.ErrArgument) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			values := ""
			for _, name := range written {
				fmt.Fprintln(p.out, report.Printable(name))
				if path.Ext(name) == ".tfvars" {
					values += " " + name
				}
			}
			fmt.Fprintf(p.out, "next: fill in%s, then run penstock plan --unit %s --out plans\n", report.Printable(values), report.Printable(u.Path))
			return nil
		},
	}
	cmd.Flags().StringVar(&u.Source, "module", "", "call the module at `SOURCE`")
	cmd.Flags().StringVar(&u.Environment, "environment", "", "write values for `ENVIRONMENT` alone, where the path is in none")
	return cmd
}
