package main

import (
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/sweep"
)

func (p *program) sweep() *cobra.Command {
	var s sweep.Sweep
	var o outputFlags
	var expired bool
	cmd := &cobra.Command{
		Use:   "sweep RUN_ID | --expired",
		Short: "Destroy what a dead run of tests left",
		Long: `Destroys what a run of tests deployed and did not undo, from the states that it saved, the
last deployment first. What an apply may have made in the moment when it was killed, and
no state knows of, is found by what was intended. Whatever may exist and could not be
destroyed is listed by address, with its owner and age.

A run that lives is left alone, and so is one that another sweep is at. On another machine
than the run's nobody can look at its processes: there the forge says whether it is over,
its time to live does an hour after its end, or you do with --dead.

Exit codes:
  0  nothing is left
  1  something may be left
  2  the command line is wrong
  3  something could not be looked at (outranks 1)`,
		Example: `  penstock sweep 20261121-141500-3f9a2c
  penstock sweep --expired --states s3://bucket/prefix --out report   # every night`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := o.check(); err != nil {
				return err
			}
			switch {
			case expired == (len(given) == 1):
				return usage("name one run, or --expired")
			case expired && s.Dead:
				return usage("--dead is said of one run")
			case len(given) == 1:
				if err := record.CheckRun(given[0]); err != nil {
					return usageError{err}
				}
				s.ID = given[0]
			}
			s.Coroner, s.Actor = coroner(), actor()
			progress := report.NewProgress(p.err, terminal(p.err))
			s.Progress = progress.Event
			r, err := s.Run(cmd.Context())
			progress.Close()
			if err != nil {
				return err
			}
			return p.print(r, o)
		},
	}
	o.add(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&expired, "expired", false, "sweep every run whose time to live is over")
	flags.StringVar(&s.States, "states", os.Getenv(record.EnvStates), "where the states are: a `DIR` or s3://bucket/prefix (default: penstock/terratest in your state directory)")
	flags.StringVar(&s.Program, "terraform", "", "the terraform or tofu `PROGRAM` to run (default: the one that the test used)")
	flags.StringVar(&s.Mirror, "provider-mirror", "", "take providers from the filesystem mirror `DIR` only")
	flags.BoolVar(&s.Dead, "dead", false, "say that the run is dead, where nothing else can tell")
	return cmd
}

// actor is who calls: on GitHub who started the workflow, else the user.
func actor() string {
	if name := os.Getenv("GITHUB_ACTOR"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "somebody"
}
