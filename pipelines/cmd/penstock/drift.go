package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/report"
)

func (p *program) drift() *cobra.Command {
	var f liveFlags
	var d live.Drift
	var named storeFlag
	var slice, tokenFile string
	var issues bool
	cmd := &cobra.Command{
		Use:   "drift [DIR]",
		Short: "Find what was changed outside of the code, and what was never applied",
		Long: `Looks at each live unit in each of its environments, side by side, and keeps two things
apart: what differs between the state and the real world (changed-outside), and what
differs between the code and the state (pending). Nothing is changed, and no lock is taken.
What cannot be looked at is an error, never clean. Outputs, and the attributes that
live.drift.ignore in penstock.yaml names until a date, do not alarm.

Every look is remembered in the store: penstock drift history tells since when.

Exit codes:
  0  every target is clean
  1  a target drifted
  2  the command line or penstock.yaml is wrong
  3  a target could not be looked at (outranks 1)`,
		Example: `  penstock drift --environment prod
  penstock drift --oldest 20 --issues      # a part each hour, the longest unseen first
  penstock drift --slice 3/8 --out report  # one of eight jobs`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if cmd.Flags().Changed("lock-timeout") {
				return usage("--lock-timeout means nothing here: a look takes no lock")
			}
			if cmd.Flags().Changed("oldest") && d.Oldest < 1 {
				return usage("--oldest takes a number of targets from 1 on")
			}
			return p.onLive(cmd, given, &f, func(ctx context.Context, s scope) (_ *pipelines.Report, err error) {
				d.Scope, d.Config, d.Environments, d.Only = s.Scope, s.config, f.environments, f.only
				d.Program, d.Mirror, d.Token, d.Out = f.program, f.mirror, f.token, f.output.out
				if slice != "" {
					if d.Slice, err = live.ParseSlice(slice); err != nil {
						return nil, usageError{err}
					}
				}
				d.Creator, _ = f.who(ctx, s)
				if d.Store, err = named.open(ctx, s); err != nil {
					return nil, err
				}
				if issues {
					if d.Forge, err = openForge(tokenFile); err != nil {
						return nil, err
					}
				}
				return d.Run(ctx)
			})
		},
	}
	f.add(cmd)
	flags := cmd.Flags()
	_ = flags.MarkHidden("lock-timeout") // it is there
	flags.StringVar(&f.output.out, "out", "", "write the report to `DIR` too, in every format, and the page drift.md")
	named.add(cmd)
	flags.IntVar(&d.Oldest, "oldest", 0, "look at `N` targets only: those whose last look is longest ago")
	flags.StringVar(&slice, "slice", "", "look at one `PART/OF` of the targets only, such as 3/8")
	flags.BoolVar(&issues, "issues", false, "keep an issue on GitHub for each target that drifts")
	flags.StringVar(&tokenFile, "issues-token-file", "", "a `FILE` with the token for --issues (default GITHUB_TOKEN, which providers see too)")
	flags.BoolVar(&d.VerifyProvidersOnce, "verify-providers-once", false, "hash each provider of the lock files once, not in every call of terraform")
	cmd.AddCommand(p.driftHistory())
	return cmd
}

// openForge opens the forge of the environment, with a token of its own.
func openForge(tokenFile string) (*forge.Forge, error) {
	o := forge.FromEnvironment(os.Getenv)
	if tokenFile != "" {
		var err error
		if o.Token, err = forge.ReadToken(tokenFile); err != nil {
			return nil, err
		}
	}
	return forge.Open(o)
}

func (p *program) driftHistory() *cobra.Command {
	var named storeFlag
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history [DIR]",
		Short: "Show since when each target drifts, how often it did, and when it was last clean",
		Example: `  penstock drift history
  penstock drift history --json | jq '.[] | select(.outcome != "clean")'`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			kept, _, err := named.openIn(cmd.Context(), or(given, "."))
			if err != nil {
				return err
			}
			looks, err := live.DriftHistory(cmd.Context(), kept)
			if err != nil {
				return err
			}
			if len(looks) == 0 {
				return &pipelines.Error{Err: errors.New("reading the history of drift: nothing was ever looked at"), Hint: "run penstock drift"}
			}
			p.verdict = pipelines.Pass
			if asJSON {
				return p.json(looks)
			}
			return p.showLooks(looks)
		},
	}
	named.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the last look at each target as JSON, with what it knows of those before it")
	return cmd
}

func (p *program) showLooks(looks []live.Look) error {
	day := func(t *time.Time) string {
		if t == nil {
			return "never"
		}
		return t.UTC().Format("2006-01-02 15:04")
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TARGET\tENVIRONMENT\tOUTCOME\tDRIFTED SINCE\tFIRST DRIFTED\tTIMES\tLOOKS\tLAST CLEAN\tLAST LOOK")
	counts := map[live.DriftOutcome]int{}
	oldest := looks[0].At
	for _, l := range looks {
		counts[l.Outcome]++
		if l.At.Before(oldest) {
			oldest = l.At
		}
		since := "-"
		if l.Since != nil {
			since = day(l.Since)
		}
		outcome := string(l.Outcome)
		if l.Errors > 1 {
			outcome += fmt.Sprintf(" x%d", l.Errors)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", report.Printable(l.Target), report.Printable(l.Environment), cmp.Or(report.Printable(outcome), "?"),
			since, day(l.First), l.Times, l.Looks, day(l.LastClean), day(&l.At))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.out, "\n%d targets: %d clean, %d drifted, %d with an error; the oldest look is of %s\n", len(looks),
		counts[live.Clean], counts[live.Drifted], counts[live.Failing], day(&oldest))
	return err
}
