package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/store"
)

func (p *program) recover() *cobra.Command {
	var f liveFlags
	var named storeFlag
	var end bool
	cmd := &cobra.Command{
		Use:   "recover [DIR]",
		Short: "Clean up after applies that were killed, and say what they did",
		Long: `Finds applies that were cut off. Where the run is proven dead it writes a state that was
left on disk, releases the lock and the lease of that run, and says what was applied,
what is not known and what remains. What may belong to a run that lives is left alone.

A process id proves nothing on another machine: there only the forge, or a person with
penstock unlock, can say that a run is dead.`,
		Example: `  penstock recover
  penstock recover --end                       # kill orphaned terraform and providers first
  penstock recover --environment prod --json`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return p.onLive(cmd, given, &f, func(ctx context.Context, s scope) (_ *pipelines.Report, err error) {
				r := live.Recover{Scope: s.Scope, Config: s.config, Coroner: coroner(), Program: f.program, Mirror: f.mirror, Token: f.token,
					Environments: f.environments, Only: f.only, End: end}
				r.Creator, _ = f.who(ctx, s)
				if r.Store, err = named.open(ctx, s); err != nil {
					return nil, err
				}
				return r.Run(ctx)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.output.out, "out", "", "write the report to `DIR` too, in every format")
	named.add(cmd)
	cmd.Flags().BoolVar(&end, "end", false, "kill what is left on this machine of runs that were cut off: orphaned terraform and providers")
	return cmd
}

func (p *program) unlock() *cobra.Command {
	var named storeFlag
	var run string
	cmd := &cobra.Command{
		Use:   "unlock ENVIRONMENT/UNIT",
		Short: "Show who holds a unit and since when; with --run, release it",
		Long: `Shows who holds the lease of a unit, from where and since when. With --run and the id that
it showed, the lease is released: only a person who knows that the run is dead does that,
and penstock recover is then run to say what it did.`,
		Example: `  penstock unlock dvlp/live/dvlp/network
  penstock unlock dvlp/live/dvlp/network --run 20261121t081839954684892z-evxce2ugl4ckgazyikbv2tpiwj`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			kept, _, err := named.openIn(cmd.Context(), ".")
			if err != nil {
				return err
			}
			book := ledger.New(kept)
			held, err := book.Look(cmd.Context(), given[0])
			if err != nil {
				return fmt.Errorf("looking at the lease of %q: %w", given[0], err)
			}
			fmt.Fprintf(p.out, "%s is held by %s since %s (%s ago), renewed %s ago\n", given[0], report.Printable(held.Owner.String()),
				held.Since.UTC().Format(time.RFC3339), held.Now.Sub(held.Since).Round(time.Second), held.Now.Sub(held.Renewed).Round(time.Second))
			p.verdict = pipelines.Pass
			state, why := coroner().Alive(cmd.Context(), held.Owner)
			fmt.Fprintf(p.out, "the run is %s: %s\n", state, report.Printable(why))
			if run == "" {
				fmt.Fprintf(p.out, "to release it: penstock unlock %s --run %s\n", given[0], held.Owner.Run)
				return nil
			}
			if state == ledger.Living {
				return usage("the run %s lives: it is not released while it does", held.Owner.Run)
			}
			if run != held.Owner.Run {
				return usage("the run that holds it is %s, not %q", held.Owner.Run, run)
			}
			if err := saidDead(cmd.Context(), book, given[0], run, person()); err != nil {
				return err
			}
			if err := book.Break(cmd.Context(), given[0], held.Version); err != nil {
				return fmt.Errorf("releasing the lease: %w", err)
			}
			fmt.Fprintln(p.out, "it is released; run penstock recover to see what that run did")
			return nil
		},
	}
	named.add(cmd)
	cmd.Flags().StringVar(&run, "run", "", "release the lease of `RUN`")
	return cmd
}

// saidDead writes down that a person says so: recover takes their word for it. A run
// without a journal has done nothing.
func saidDead(ctx context.Context, book *ledger.Ledger, target, run, who string) error {
	_, err := book.Run(ctx, target, run)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	owner, err := ledger.NewOwner(who, ledger.CI{})
	if err != nil {
		return err
	}
	journal, err := book.Continue(ctx, target, run, owner)
	if err != nil {
		return err
	}
	return journal.Record(ctx, ledger.Entry{Event: ledger.Released, Payload: ledger.Payload{Note: who + " says that the run is dead"}})
}

// coroner asks the forge, where there is one, about runs on other machines.
func coroner() ledger.Coroner {
	o := forge.FromEnvironment(os.Getenv)
	if o.Token == "" || o.Repository == "" {
		return ledger.Coroner{}
	}
	f, err := forge.Open(o)
	if err != nil {
		return ledger.Coroner{RunOver: func(context.Context, ledger.CI) (bool, error) { return false, err }}
	}
	return ledger.Coroner{RunOver: f.RunOver}
}
