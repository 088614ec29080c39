package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/service"
	"github.com/penstock-dev/penstock/pipelines/store"
	"github.com/penstock-dev/penstock/pipelines/values"
)

// valuesFlags say whose values are looked up, and where.
type valuesFlags struct {
	serviceFlags
	parameters, token, image string
	output                   outputFlags
}

func (f *valuesFlags) add(cmd *cobra.Command) {
	f.serviceFlags.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.parameters, "parameters", "", "look parameters up as files in `DIR`, without a cloud: DIR/dvlp/orders/iam/role/arn")
	tokenFlags(cmd, &f.token)
	flags.StringVar(&f.image, "image-digest", "", "write the `DIGEST` of the image, sha256:..., too")
	f.output.addPrint(cmd)
	flags.Lookup("json").Usage = "print the keys with their sources, and the report, as JSON (--format json prints the report alone)"
}

// generate makes of the flags what both commands need; done removes what it kept on disk.
func (f *valuesFlags) generate(ctx context.Context) (g values.Generate, done func(), err error) {
	asked := f.output
	if err := asked.check(); err != nil {
		return g, nil, err
	}
	if g.Service, err = f.serviceFlags.open(ctx, ""); err != nil {
		return g, nil, err
	}
	if g.Bundle, err = f.opened(ctx, g.Service); err != nil {
		return g, nil, err
	}
	g.Image = f.image
	dir, err := os.MkdirTemp("", "penstock-login-")
	if err != nil {
		return g, nil, fmt.Errorf("making room for the login: %w", err)
	}
	g.Open = func(ctx context.Context) (values.Parameters, error) {
		if f.parameters != "" {
			return values.Directory(f.parameters), nil
		}
		as, err := readerOf(dir, g.Service, f.token)
		if err != nil {
			return nil, err
		}
		return values.NewAWS(ctx, g.Service.Environment.Region, as)
	}
	return g, func() { _ = os.RemoveAll(dir) }, nil
}

// readerOf is the login with the role that plans in a service's environment: it reads.
func readerOf(dir string, s *service.Service, token string) (store.Profile, error) {
	role := ""
	for _, e := range s.Config.Live.Environments {
		if e.Name == s.Environment.Name {
			role = e.Roles.Plan
		}
	}
	actor := os.Getenv("GITHUB_ACTOR")
	if actor == "" {
		actor = person()
	}
	return live.Login(dir, role, actor, token)
}

func (p *program) helmValues() *cobra.Command {
	var f valuesFlags
	var out string
	cmd := &cobra.Command{
		Use:   "helm-values [DIR] --env NAME",
		Short: "Look up what the chart of a service needs, and write it",
		Long: `Looks up what service-iam and service-iac wrote for the service, and writes
generated_helm_values.yaml: environment variables, the role of the service account, the
image, each with a comment that says its source. Secrets are not read: they become
references, and whether they exist is all that is asked. Nothing is changed in the cloud.

What is missing is said at once, with the command that makes it, and nothing is
written. What the chart does not take is said with the file and the line that set it.`,
		Example: `  penstock helm-values --env dvlp
  penstock helm-values --env dvlp --parameters parameters   without a cloud
  penstock helm-values diff --env dvlp`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			g, done, err := f.generate(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			if out != "" {
				if g.Out, err = filepath.Abs(out); err != nil {
					return err
				}
			}
			o, err := g.Do(cmd.Context())
			if err != nil {
				return err
			}
			if f.output.json {
				p.verdict = o.Report.Verdict
				if f.output.out != "" {
					if err := report.Export(f.output.out, o.Report); err != nil {
						return err
					}
				}
				return p.json(o)
			}
			if f.output.format == "text" && o.File != "" {
				fmt.Fprintf(p.out, "%d values written to %s\n\n", len(o.Entries), report.Printable(o.File))
			}
			return p.print(o.Report, f.output)
		},
	}
	f.add(cmd)
	cmd.AddCommand(p.helmValuesDiff())
	cmd.Flags().StringVar(&out, "out", "", "write to `FILE` (default generated_helm_values.yaml in the repository)")
	cmd.Flags().StringVar(&f.output.out, "report", "", "write the report to `DIR` too, in every format: also where values are missing or the part is left out, and there is no file")
	return cmd
}

func (p *program) helmValuesDiff() *cobra.Command {
	var f valuesFlags
	var against string
	cmd := &cobra.Command{
		Use:   "diff [DIR] --env NAME",
		Short: "Show what the looked-up values would change in what is deployed",
		Long: `Looks the values up as helm-values does, and compares them with those of the revision that
is deployed, which helm is asked for, or with a file. No secret is shown, for none is
known; of a value that goes away the key alone is. Nothing is written.

As with diff, the exit code is 0 where nothing differs and 1 where something does; 3
says that it could not be found out.`,
		Example: `  penstock helm-values diff --env dvlp
  penstock helm-values diff --env dvlp --against generated_helm_values.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			g, done, err := f.generate(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			o, err := values.Diff{Generate: g, Against: against}.Do(cmd.Context())
			if err != nil {
				return err
			}
			if f.output.json {
				p.verdict = o.Report.Verdict
				return p.json(o)
			}
			return p.print(o.Report, f.output)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&against, "against", "", "compare with the values in `FILE` (default the release in the cluster)")
	return cmd
}
