package main

import (
	"errors"
	"fmt"
	"path"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/infratype"
	"github.com/penstock-dev/penstock/pipelines/report"
)

func (p *program) newInfraType() *cobra.Command {
	var n infratype.New
	dir := "bundle/terraform"
	cmd := &cobra.Command{
		Use:   "infra-type NAME",
		Short: "Write the first files of an infrastructure type of the bundle",
		Long: `Writes a module with its contract, an example and tests, and adds the type to both
roots, service-iam and service-iac. NAME is the module's, in the singular, such as
sns-topic: the type, which is the key in service.tfvars, is then sns_topics.

What is written holds as it is, and makes nothing but its SSM parameter: go on with the
module, then with the words of access in its contract.yaml. Nothing that is there is
overwritten; the roots get their lines. docs/infra-types.md says what a contract holds.`,
		Example: `  penstock new infra-type sns-topic`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			n.Module = given[0]
			var err error
			if n.Root, err = directory(dir); err != nil {
				return err
			}
			written, err := n.Write()
			if errors.Is(err, infratype.ErrArgument) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			for _, name := range written {
				fmt.Fprintln(p.out, report.Printable(path.Join(dir, name)))
			}
			fmt.Fprintf(p.out, "next: write %s, and what it grants in its contract.yaml\n", report.Printable(path.Join(dir, infratype.Modules, n.Module, "main.tf")))
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", dir, "the bundle's Terraform is in `DIR`")
	return cmd
}
