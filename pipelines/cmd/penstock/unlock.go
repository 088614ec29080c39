package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/helm"
	"github.com/penstock-dev/penstock/pipelines/internal/shell"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/store"
)

func (p *program) unlock() *cobra.Command {
	var named storeFlag
	var u unlocking
	cmd := &cobra.Command{
		Use:   "unlock ENVIRONMENT/UNIT",
		Short: "Show who holds a unit and its state; with --run or --lock, release it",
		Long: `Shows who holds the lease of a unit, and who the lock of its state (a .tflock object in S3,
or what terraform left beside a state in a file), from where and since when. With --run and
the id of the run that it showed, the lease is released; with --lock and the id of the lock,
that. Only a person who knows that the holder is dead does either; what is seen to live is
not released. After the first penstock recover says what the run did.`,
		Example: `  penstock unlock dvlp/live/dvlp/network
  penstock unlock dvlp/live/dvlp/network --run 20261121t081839954684892z-evxce2ugl4ckgazyikbv2tpiwj
  penstock unlock dvlp/live/dvlp/network --lock 0c6b7d25-3a1e-4b0e-8a55-2d4f8c2f1f0e`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			var f scopeFlags
			f.all = true
			s, err := f.resolve(cmd.Context(), ".")
			if err != nil {
				return err
			}
			kept, err := named.open(cmd.Context(), s)
			if err != nil {
				return err
			}
			u.command, u.after = shell.Line("penstock", "unlock", given[0]), "run penstock recover to see what that run did"
			if named != "" {
				u.command = shell.Line("penstock", "unlock", given[0], "--store", string(named))
			}
			if place, _, _ := strings.Cut(string(named), "?"); path.Base(place) == helm.Room {
				u.after = "the next penstock helm-deploy repairs what that run left"
			}
			locks := live.Locks{Scope: s.Scope, Config: s.config, Creator: live.Creator{Actor: person()}, Token: u.token}
			return p.unlocked(cmd.Context(), ledger.New(kept), locks, given[0], u)
		},
	}
	named.add(cmd)
	u.add(cmd)
	return cmd
}

// unlocking is what is to be released, if anything.
type unlocking struct {
	run, id, token string
	// command shows the same again; after says what to do once it is released.
	command, after string
}

func (u *unlocking) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&u.run, "run", "", "release the lease of `RUN`")
	cmd.Flags().StringVar(&u.id, "lock", "", "release the lock of the state with `ID`")
	tokenFlags(cmd, &u.token)
}

// unlocked shows who holds a target and its state, and releases what was named.
func (p *program) unlocked(ctx context.Context, book *ledger.Ledger, locks live.Locks, target string, u unlocking) error {
	lives, err := p.unlockLease(ctx, book, target, u)
	if err != nil {
		return err
	}
	p.verdict = pipelines.Pass
	lock, err := locks.Look(ctx, target)
	if err != nil && u.run != "" { // what was asked for is done, also for a unit that is gone
		fmt.Fprintf(p.err, "notice: %s\n", report.Printable(err.Error()))
		return nil
	}
	if err != nil {
		return err
	}
	return p.unlockState(ctx, target, lock, u, lives)
}

// unlockLease shows the lease of a target and releases that of run, if one is named.
// lives says that its holder is seen to live.
func (p *program) unlockLease(ctx context.Context, book *ledger.Ledger, target string, u unlocking) (lives bool, err error) {
	run := u.run
	held, err := book.Look(ctx, target)
	if errors.Is(err, store.ErrNotFound) && run == "" {
		fmt.Fprintf(p.out, "nobody holds %s\n", report.Printable(target))
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at the lease of %q: %w", target, err)
	}
	fmt.Fprintf(p.out, "%s is held by %s since %s (%s ago), renewed %s ago\n", target, report.Printable(held.Owner.String()),
		held.Since.UTC().Format(time.RFC3339), held.Now.Sub(held.Since).Round(time.Second), held.Now.Sub(held.Renewed).Round(time.Second))
	state, why := coroner().Alive(ctx, held.Owner)
	fmt.Fprintf(p.out, "the run is %s: %s\n", state, report.Printable(why))
	if run == "" {
		fmt.Fprintf(p.out, "to release it: %s --run %s\n", report.Printable(u.command), held.Owner.Run)
		return state == ledger.Living, nil
	}
	if state == ledger.Living {
		return true, usage("the run %s lives: it is not released while it does", held.Owner.Run)
	}
	if run != held.Owner.Run {
		return false, usage("the run that holds it is %s, not %q", held.Owner.Run, run)
	}
	if err := saidDead(ctx, book, target, run, person()); err != nil {
		return false, err
	}
	if err := book.Break(ctx, target, held.Version); err != nil {
		return false, fmt.Errorf("releasing the lease: %w", err)
	}
	fmt.Fprintln(p.out, "it is released; "+report.Printable(u.after))
	return false, nil
}

// unlockState shows the lock of a state and releases the one with id, if one is named.
func (p *program) unlockState(ctx context.Context, target string, lock *live.HeldLock, u unlocking, lives bool) error {
	id := u.id
	if lock == nil {
		if id != "" {
			return usage("the state of %q is not locked", target)
		}
		fmt.Fprintln(p.out, "its state is not locked")
		return nil
	}
	fmt.Fprintf(p.out, "its state is locked, as %s says\n", report.Printable(lock.Where))
	for _, line := range [][2]string{{"ID", lock.ID}, {"Who", lock.Who}, {"Operation", lock.Operation},
		{"Created", fmt.Sprintf("%s (%s ago)", lock.Created.UTC().Format(time.RFC3339), time.Since(lock.Created).Round(time.Second))}, {"Info", lock.Info.Info}} {
		if line[1] != "" {
			fmt.Fprintf(p.out, "  %-9s  %s\n", line[0], report.Printable(line[1]))
		}
	}
	if lock.Holder != 0 {
		fmt.Fprintf(p.out, "the process %d holds it\n", lock.Holder)
		lives = true
	}
	if owner, ours := lock.Plan(); ours {
		state, why := coroner().Alive(ctx, owner)
		fmt.Fprintf(p.out, "the plan is %s: %s\n", state, report.Printable(why))
		lives = lives || state == ledger.Living
	}
	switch {
	case id == "":
		fmt.Fprintf(p.out, "to release it: %s --lock %s\n", report.Printable(u.command), report.Printable(lock.ID))
		return nil
	case lives:
		return usage("its holder lives: the lock is not released while it does")
	case id != lock.ID:
		return usage("the id of the lock is %q, not %q", lock.ID, id)
	}
	if err := lock.Release(ctx, id); err != nil {
		return err
	}
	fmt.Fprintln(p.out, "the lock is released")
	return nil
}
