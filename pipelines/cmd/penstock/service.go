package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/service"
)

// serviceFlags say which service, where and with which bundle.
type serviceFlags struct {
	dir, env, bundle string
}

func (f *serviceFlags) add(cmd *cobra.Command) {
	f.addPlace(cmd)
	cmd.Flags().StringVar(&f.bundle, "bundle", "", "take the bundle in `DIR`, unpacked or a working copy, in place of service.bundle")
}

// addPlace says which service, and where: the one argument of a command is the
// directory of the service's repository, as it is of all others.
func (f *serviceFlags) addPlace(cmd *cobra.Command) {
	cmd.Args = args(func(cmd *cobra.Command, given []string) error {
		f.dir = "."
		if len(given) > 0 {
			f.dir = given[0]
		}
		return cobra.MaximumNArgs(1)(cmd, given)
	})
	cmd.Flags().StringVar(&f.env, "env", "", "the environment `NAME` of service.environments")
}

// open reads the service. base is a ref, "" without one.
func (f *serviceFlags) open(ctx context.Context, base string) (*service.Service, error) {
	if f.env == "" {
		return nil, usage("--env is needed: the name of an environment")
	}
	root, err := directory(f.dir)
	if err != nil {
		return nil, err
	}
	if err := below(root); err != nil {
		return nil, err
	}
	return service.Open(ctx, root, f.env, base, time.Now())
}

// opened is the bundle that penstock.yaml pins, pulled and verified, or the directory
// that was named. With a base its signers count: a change does not say whom to trust.
func (f *serviceFlags) opened(ctx context.Context, s *service.Service) (*bundle.Bundle, error) {
	if f.bundle != "" {
		return bundle.Open(ctx, f.bundle)
	}
	pinned := s.Config.Service.Bundle
	if pinned.From == "" {
		return nil, &config.Error{Cause: &pipelines.Error{Position: s.Config.Service.Position, Err: errors.New("the service has no bundle"),
			Hint: "pin one under service.bundle, or name a directory with --bundle"}}
	}
	if s.Base != nil {
		pinned.Signers = nil
		if s.Base.Service != nil {
			pinned.Signers = s.Base.Service.Bundle.Signers
		}
	}
	b, err := bundle.Pull(ctx, pinned, bundle.Options{Dir: s.Root})
	if err != nil {
		return nil, ofKey(err)
	}
	return b, nil
}

func (p *program) service() *cobra.Command {
	cmd := &cobra.Command{
		Use: "service", Short: "What a service is made of",
		Args: args(cobra.NoArgs), RunE: p.help,
	}
	cmd.AddCommand(p.explain())
	return cmd
}

func (p *program) explain() *cobra.Command {
	var f serviceFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain [DIR] --env NAME",
		Short: "Show every effective value of a service, and the line that set it",
		Long: `Shows what the service's infrastructure is made of in an environment: each value, the file
and the line that set it, and which of the stacks read it. service.tfvars holds
everywhere, NAME-iac.tfvars in one environment: mappings are laid over each other key by key,
lists and everything else as a whole, and null takes away. penstock.yaml says where the
service runs, and what nobody set has the default of the bundle.

Types are those of the bundle. Nothing is run, and nothing is asked of a cloud.`,
		Example: `  penstock service explain --env pprd
  penstock service explain --env pprd --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := f.open(cmd.Context(), "")
			if err != nil {
				return err
			}
			b, err := f.opened(cmd.Context(), s)
			if err != nil {
				return err
			}
			c, err := s.Configure(b)
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			if asJSON {
				return p.json(s.Explain(b, c))
			}
			return p.explained(s.Explain(b, c))
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return cmd
}

// explained prints an explanation for people.
func (p *program) explained(e service.Explanation) error {
	fmt.Fprintf(p.out, "%s in %s, with the bundle %s\n", e.Service, e.Environment, e.Bundle)
	for _, line := range e.Remarks {
		fmt.Fprintln(p.out, report.Printable(line))
	}
	fmt.Fprintln(p.out)
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	for _, s := range e.Settings {
		stacks := strings.Join(s.Stacks, ", ")
		fmt.Fprintf(w, "%s\t= %s\t%s:%d\t%s\n", report.Printable(s.Name), report.Printable(string(s.Value)), report.Printable(s.Source.Path), s.Source.Line, stacks)
	}
	return w.Flush()
}
