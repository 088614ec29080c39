package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/helm"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/service"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// helmFlags are what the commands on releases share.
type helmFlags struct {
	store  string
	dryRun bool
	output outputFlags
}

func (f *helmFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.store, "store", "", "the `ADDRESS` of the store with leases and journals (default live.store of penstock.yaml)")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would change, and change nothing")
	f.output.add(cmd)
	tokenFlags(cmd, nil)
	flags.Lookup("json").Usage = "print the release and its report as JSON (--format json prints the report alone)"
}

// release makes of the flags what both commands need.
func (p *program) release(ctx context.Context, f helmFlags, s *service.Service) (helm.Release, error) {
	r := helm.Release{Root: s.Root, Config: s.Config, Environment: s.Environment.Name, DryRun: f.dryRun, Coroner: coroner(), CI: ledger.CIFrom(os.Getenv)}
	commit, dirty := live.Checkout(ctx, s.Root)
	if r.Commit = commit; commit != "" && dirty {
		r.Commit += "-dirty"
	}
	if r.Actor = os.Getenv("GITHUB_ACTOR"); r.Actor == "" {
		r.Actor = person()
	}
	var err error
	r.Store, r.Address, err = room(ctx, f.store, s.Root, s.Config)
	return r, err
}

// beneath is the address of a part of a remote store; its settings stay behind it.
func beneath(address, part string) string {
	place, settings, found := strings.Cut(address, "?")
	place = strings.TrimSuffix(place, "/") + "/" + part
	if found {
		place += "?" + settings
	}
	return place
}

// room opens the part of the store in which releases have their ledger, and returns
// its address too.
func room(ctx context.Context, named, root string, c *config.Config) (store.Store, string, error) {
	if named == "" {
		named = c.Live.Store
	}
	if named == "" {
		named = ".penstock"
	}
	if remote(named) {
		named = beneath(named, helm.Room)
	} else {
		if !filepath.IsAbs(named) {
			named = filepath.Join(root, named)
		}
		named = filepath.Join(named, helm.Room)
	}
	s, err := store.Open(ctx, named)
	return s, named, err
}

func (p *program) helmDeploy() *cobra.Command {
	var f helmFlags
	var where serviceFlags
	var explain bool
	cmd := &cobra.Command{
		Use:   "helm-deploy [DIR] --env NAME",
		Short: "Release the chart of a service in an environment",
		Long: `Renders the chart with the values of the service, judges the manifest by policy and by
the API server, shows what changes, and deploys it with helm: waiting for the workloads,
rolled back on failure, under a lease. Then the service is asked whether it works.

A release that a killed run left pending is repaired first, where that run is proven to
be over. Values count in this order, the last most: the chart's, the platform's,
helm_values.yaml, NAME-helm_values.yaml, generated_helm_values.yaml.`,
		Example: `  penstock helm-deploy --env dvlp --dry-run              # what would change
  penstock helm-deploy --env dvlp --dry-run --explain    # and which file sets which value
  penstock helm-deploy --env dvlp`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.releasing(cmd.Context(), f, where, "helm-deploy", explain, func(s *service.Service, r helm.Release) (*helm.Outcome, error) {
				b, err := where.opened(cmd.Context(), s)
				if err != nil {
					return nil, err
				}
				outcome, err := helm.Deploy{Release: r, Bundle: b.Dir, BundleName: b.Version + "@" + b.Digest}.Do(cmd.Context())
				if err == nil {
					s.Note(outcome.Report, b, "helm-deploy")
				}
				return outcome, err
			})
		},
	}
	f.add(cmd)
	where.add(cmd)
	cmd.Flags().BoolVar(&explain, "explain", false, "say of each value which file set it")
	return cmd
}

// releasing is what deploying and rolling back have around them: it reads the service,
// does what is to be done unless that part of it is left out, and prints the outcome.
func (p *program) releasing(ctx context.Context, f helmFlags, where serviceFlags, stage string, explain bool,
	do func(*service.Service, helm.Release) (*helm.Outcome, error)) error {
	if err := f.output.check(); err != nil {
		return err
	}
	s, err := where.open(ctx, "")
	if err != nil {
		return err
	}
	if r := s.LeftOut("helm-deploy", stage); r != nil {
		return p.print(r, f.output)
	}
	r, err := p.release(ctx, f, s)
	if err != nil {
		return err
	}
	progress := report.NewProgress(p.err, terminal(p.err))
	r.Progress = progress.Event
	defer progress.Close()
	outcome, err := do(s, r)
	if err != nil {
		return err
	}
	return p.released(outcome, f.output, explain)
}

func (p *program) helmRollback() *cobra.Command {
	var f helmFlags
	var where serviceFlags
	var revision int
	cmd := &cobra.Command{
		Use:   "helm-rollback [DIR] --env NAME",
		Short: "Bring back what was released before",
		Long: `Rolls the release back to the revision that was deployed with success before the one that
is, or to --revision. Two rollbacks go two steps back. It is done under the lease, shows
what changes, waits for the workloads, and is recorded.`,
		Example: `  penstock helm-rollback --env dvlp --dry-run
  penstock helm-rollback --env dvlp --revision 4`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if revision < 0 || cmd.Flags().Changed("revision") && revision == 0 {
				return usage("--revision is %d, allowed are whole numbers from 1", revision)
			}
			return p.releasing(cmd.Context(), f, where, "helm-rollback", false, func(_ *service.Service, r helm.Release) (*helm.Outcome, error) {
				return helm.Rollback{Release: r, Revision: revision}.Do(cmd.Context())
			})
		},
	}
	f.add(cmd)
	where.addPlace(cmd)
	cmd.Flags().IntVar(&revision, "revision", 0, "the `REVISION` to bring back (default the one before)")
	return cmd
}

// released prints an outcome: the changes and the report, or all of it as JSON.
func (p *program) released(o *helm.Outcome, f outputFlags, explain bool) error {
	if f.out != "" {
		if err := os.MkdirAll(f.out, 0o755); err != nil {
			return err
		}
		text, err := json.MarshalIndent(o, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(f.out, "release.json"), append(text, '\n'), 0o644); err != nil {
			return fmt.Errorf("writing the release: %w", err)
		}
	}
	if f.json {
		p.verdict = o.Report.Verdict
		if f.out != "" {
			if err := report.Export(f.out, o.Report); err != nil {
				return err
			}
		}
		return p.json(o)
	}
	if f.format == "text" {
		p.changes(o, explain)
	}
	return p.print(o.Report, f)
}

func (p *program) changes(o *helm.Outcome, explain bool) {
	if explain {
		for _, v := range o.Values {
			removed := ""
			if v.Removed {
				removed = " (removed)"
			}
			fmt.Fprintf(p.out, "%s%s: %s\n", report.Printable(v.Key), removed, place(v.Position))
			for _, over := range v.Over {
				fmt.Fprintf(p.out, "    over %s\n", place(over))
			}
		}
	}
	for _, c := range o.Changes {
		fmt.Fprintf(p.out, "%s %s\n%s\n", c.Action, c.Resource, strings.TrimPrefix(c.Diff, "diff deployed to be deployed\n"))
	}
	if len(o.Changes) > 0 {
		fmt.Fprintf(p.out, "%d resources change\n\n", len(o.Changes))
	}
	if o.Unchanged {
		fmt.Fprintf(p.out, "%s is unchanged at revision %d in %s\n", o.Service, o.Revision, o.Namespace)
	} else if o.Revision != 0 {
		fmt.Fprintf(p.out, "%s is deployed at revision %d in %s\n", o.Service, o.Revision, o.Namespace)
	}
}

func place(at pipelines.Position) string {
	return fmt.Sprintf("%s:%d:%d", report.Printable(at.Path), at.Line, at.Column)
}
