package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/live"
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
what is not known and what remains. The lock of a plan that was cut off is released too,
where its holder is proven dead. What may belong to a run that lives is left alone.

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
