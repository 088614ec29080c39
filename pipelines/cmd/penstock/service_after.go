package main

import (
	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines/internal/shell"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/report"
)

func (p *program) stackRecover(name string) *cobra.Command {
	var f stackFlags
	var end bool
	cmd := &cobra.Command{
		Use:     "recover [DIR] --env NAME",
		Short:   "Clean up after an apply that was killed, and say what it did",
		Long:    `Does for the stack what penstock recover does for live units.`,
		Example: "  penstock " + name + " recover --env dvlp",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.output.check(); err != nil {
				return err
			}
			s, left, err := f.stack(cmd.Context(), name, live.RecoverStage)
			if err != nil {
				return err
			}
			if left != nil {
				return p.print(left, f.output)
			}
			defer s.Close()
			// A store may hold what other services left: theirs is for them to recover.
			r := live.Recover{Scope: s.Scope, Config: s.Trunk, Program: f.program, Mirror: f.mirror, Token: f.token, End: end,
				Environments: []string{f.env}, Coroner: coroner()}
			r.Creator, _ = f.who(cmd.Context(), s.home)
			if r.Store, err = f.store.open(cmd.Context(), s.home); err != nil {
				return err
			}
			progress := report.NewProgress(p.err, terminal(p.err))
			r.Progress = progress.Event
			defer progress.Close()
			done, err := r.Run(cmd.Context())
			if err != nil {
				return err
			}
			return p.finish(s, done, f.output)
		},
	}
	f.add(cmd, true)
	f.store.add(cmd)
	cmd.Flags().StringVar(&f.output.out, "out", "", "write the report to `DIR` too, in every format")
	cmd.Flags().BoolVar(&end, "end", false, "kill what is left on this machine of a run that was cut off: orphaned terraform and providers")
	return cmd
}

func (p *program) stackUnlock(name string) *cobra.Command {
	var f stackFlags
	var u unlocking
	cmd := &cobra.Command{
		Use:     "unlock [DIR] --env NAME",
		Short:   "Show who holds it and its state; with --run or --lock, release it",
		Long:    `Does for the stack what penstock unlock does for live units.`,
		Example: "  penstock " + name + " unlock --env dvlp",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, left, err := f.stack(cmd.Context(), name, "unlock")
			if err != nil {
				return err
			}
			if left != nil {
				return p.print(left, outputFlags{format: "text"})
			}
			defer s.Close()
			kept, err := f.store.open(cmd.Context(), s.home)
			if err != nil {
				return err
			}
			more := s.Selection.Units[0].Command[3:] // beyond penstock, its name and the verb
			if f.store != "" {
				more = append(more, "--store", string(f.store))
			}
			u.command = shell.Line(append([]string{"penstock", name, "unlock"}, more...)...)
			u.after = "run " + shell.Line(append([]string{"penstock", name, "recover"}, more...)...) + " to see what that run did"
			locks := live.Locks{Scope: s.Scope, Config: s.Trunk, Creator: live.Creator{Actor: person()}, Token: u.token}
			return p.unlocked(cmd.Context(), ledger.New(kept), locks, f.env+"/"+s.Selection.Units[0].Path, u)
		},
	}
	f.add(cmd, false)
	f.store.add(cmd)
	u.add(cmd)
	return cmd
}

func (p *program) stackDrift(name string) *cobra.Command {
	var f stackFlags
	cmd := &cobra.Command{
		Use:     "drift [DIR] --env NAME",
		Short:   "Find what was changed outside of the code, and what was never applied",
		Long:    `Does for the stack what penstock drift does for live units.`,
		Example: "  penstock " + name + " drift --env dvlp",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.output.check(); err != nil {
				return err
			}
			s, left, err := f.stack(cmd.Context(), name, live.DriftStage)
			if err != nil {
				return err
			}
			if left != nil {
				return p.print(left, f.output)
			}
			defer s.Close()
			d := live.Drift{Scope: s.Scope, Config: s.Trunk, Program: f.program, Mirror: f.mirror, Token: f.token, Out: f.output.out}
			d.Creator, _ = f.who(cmd.Context(), s.home)
			if d.Store, err = f.store.open(cmd.Context(), s.home); err != nil {
				return err
			}
			progress := report.NewProgress(p.err, terminal(p.err))
			d.Progress = progress.Event
			defer progress.Close()
			r, err := d.Run(cmd.Context())
			if err != nil {
				return err
			}
			return p.finish(s, r, f.output)
		},
	}
	f.add(cmd, true)
	f.store.add(cmd)
	cmd.Flags().StringVar(&f.output.out, "out", "", "write the report to `DIR` too, in every format, and the page drift.md")
	return cmd
}
