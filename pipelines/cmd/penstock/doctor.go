package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
	"github.com/penstock-dev/penstock/pipelines/doctor"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/store"
)

func (p *program) doctor() *cobra.Command {
	var f serviceFlags
	var token string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor [DIR]",
		Short: "Say what is missing to work from this machine",
		Long: `Checks the tools against tools.json, and with --env what an environment of a service
needs: the bundle, verified; credentials, and the role that they assume; where state is
kept; the cluster; the registry. All checks run at once. Nothing is changed.

A line says pass, fail or not run; what is missing has its next step below it.`,
		Example: `  penstock doctor
  penstock doctor --env dvlp`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var d doctor.Doctor
			if f.env != "" {
				s, err := f.open(cmd.Context(), "")
				if err != nil {
					return err
				}
				dir, err := os.MkdirTemp("", "penstock-login-")
				if err != nil {
					return fmt.Errorf("making room for the login: %w", err)
				}
				defer os.RemoveAll(dir)
				d.Service = s
				d.Bundle = func(ctx context.Context) (*bundle.Bundle, error) { return f.opened(ctx, s) }
				d.Login = func() (store.Profile, error) {
					own, err := os.MkdirTemp(dir, "") // two checks log in at once
					if err != nil {
						return store.Profile{}, err
					}
					return readerOf(own, s, token)
				}
			}
			r := d.Run(cmd.Context())
			p.verdict = r.Verdict
			if asJSON {
				return p.json(r)
			}
			return p.diagnosed(r)
		},
	}
	f.add(cmd)
	tokenFlags(cmd, &token)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}

// diagnosed prints a line for each check, and below it what to do.
func (p *program) diagnosed(r *pipelines.Report) error {
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	for _, result := range r.Results {
		said, hint := result.Reason, result.Hint
		for _, f := range result.Findings {
			said, hint = f.Message, f.Hint
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", strings.ReplaceAll(string(result.Verdict), "_", " "), result.Stage, report.Printable(said))
		if hint != "" {
			fmt.Fprintf(w, "\t\t  hint: %s\n", report.Printable(hint))
		}
	}
	return w.Flush()
}
