package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines/check"
)

func (p *program) check() *cobra.Command {
	var f scopeFlags
	var o outputFlags
	var s stageFlags
	var c check.Check
	cmd := &cobra.Command{
		Use:   "check [DIR]",
		Short: "Run the stages on the units that a change touches",
		Long: `Runs the stages on the units of the catalog in DIR (default: the working
directory) that changed since the base, in parallel, and prints one report.

Without --stages these run: ` + strings.Join(check.Names, ", ") + `.
A stage whose tool or provider is absent is not run, and the exit code is 3,
unless it is left out by name with --skip.`,
		Example: `  penstock check --base origin/main
  penstock check --all --stages terraform-fmt,compliance modules
  penstock check --base origin/main --skip tflint --out report/`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return p.judge(cmd.Context(), c, f, s, o, or(given, "."))
		},
	}
	f.add(cmd)
	o.add(cmd)
	s.add(cmd, "")
	cmd.Flags().StringSliceVar(&c.Stages, "stages", nil, "run only these `STAGES`, separated by commas")
	cmd.Flags().StringSliceVar(&c.Skip, "skip", nil, "leave these `STAGES` out; the report says so")
	return cmd
}

// or returns the first argument, or what holds without one.
func or(given []string, otherwise string) string {
	if len(given) == 0 {
		return otherwise
	}
	return given[0]
}
