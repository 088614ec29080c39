package main

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/report"
)

// liveFlags are what the stages on live infrastructure share.
type liveFlags struct {
	scope        scopeFlags
	output       outputFlags
	environments []string
	only         []string
	program      string
	mirror       string
	lockTimeout  time.Duration
	token        string
	creator      live.Creator
}

func (f *liveFlags) add(cmd *cobra.Command) {
	f.scope.add(cmd)
	f.output.addPrint(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&f.environments, "environment", nil, "only in these `ENVIRONMENTS`, separated by commas")
	flags.StringArrayVar(&f.only, "only", nil, "only the target `ID`: a unit's path, with @ENVIRONMENT where it is in several; may be given more than once")
	flags.StringVar(&f.program, "terraform", "", "the `PROGRAM` to run (default terraform, else tofu, of PATH)")
	flags.StringVar(&f.mirror, "provider-mirror", "", "take providers from the filesystem mirror in `DIR` only")
	addLockTimeout(cmd, &f.lockTimeout)
	tokenFlags(cmd, &f.token)
	flags.StringVar(&f.creator.Change, "change", "", "the pull request or ticket, for the records of the cloud")
}

// who reads who runs this from the environment of a forge, or of a person.
func (f *liveFlags) who(ctx context.Context, s scope) (c live.Creator, commit string) {
	c = f.creator
	if s.checkout != nil {
		commit, c.Dirty = s.checkout.Commit, s.checkout.Dirty
	} else {
		commit, c.Dirty = live.Checkout(ctx, s.Root)
	}
	c.Actor, c.Repository, c.Ref = os.Getenv("GITHUB_ACTOR"), os.Getenv("GITHUB_REPOSITORY"), os.Getenv("GITHUB_REF")
	c.HeadRepository = c.Repository
	if head := os.Getenv("PENSTOCK_HEAD_REPOSITORY"); head != "" {
		c.HeadRepository = head
	}
	if id := os.Getenv("GITHUB_RUN_ID"); id != "" {
		c.Run = os.Getenv("GITHUB_SERVER_URL") + "/" + c.Repository + "/actions/runs/" + id + "/attempts/" + os.Getenv("GITHUB_RUN_ATTEMPT")
	}
	if c.Actor == "" {
		c.Actor = person()
	}
	return c, commit
}

// leaving are the targets that the change takes out of environments, of those that were
// chosen.
func (s scope) leaving(f liveFlags) live.Leaving {
	if s.Base == nil {
		return live.Leaving{}
	}
	l := live.LeavingOf(s.Base, s.config.Live, os.DirFS(s.Root), s.head.Live, s.Selection.Live)
	l.Targets = slices.DeleteFunc(l.Targets, func(t live.Target) bool {
		return len(f.environments) > 0 && !slices.Contains(f.environments, t.Environment.Name) || len(f.only) > 0 && !slices.Contains(f.only, t.ID()) ||
			len(f.scope.units) > 0 && !slices.Contains(f.scope.units, t.Unit.Path)
	})
	return l
}

// person is who is logged in.
func person() string {
	if known, err := user.Current(); err == nil {
		return known.Username
	}
	return "unknown"
}

// onLive runs a stage on what the flags say, shows how far it is, and prints its report.
func (p *program) onLive(cmd *cobra.Command, given []string, f *liveFlags, run func(context.Context, scope) (*pipelines.Report, error)) error {
	if err := f.output.check(); err != nil {
		return err
	}
	s, err := f.scope.resolve(cmd.Context(), or(given, "."))
	if err != nil {
		return err
	}
	progress := report.NewProgress(p.err, terminal(p.err))
	s.Progress = progress.Event
	r, err := run(cmd.Context(), s)
	progress.Close()
	if err != nil {
		return err
	}
	return p.print(r, f.output)
}

func (p *program) plan() *cobra.Command {
	var f liveFlags
	var out string
	var destroy, verifyOnce bool
	cmd := &cobra.Command{
		Use:   "plan [DIR]",
		Short: "Plan the live units that a change touches, in each environment",
		Long: `Plans each live unit that changed since the base in each of its environments, in the
order in which they depend on each other, judges the plans by policy and says what
is at risk. Nothing is changed. Before anything runs, the configuration is read: what
it would start or fetch and penstock.yaml does not allow is refused.

What is written to --out holds secrets; penstock capsule seal makes capsules of it, in a
process that has the key and runs no provider.`,
		Example: `  penstock plan --base origin/main --out plans
  penstock plan --all --environment dvlp --unit live/dvlp/network --out plans`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if out == "" {
				return usage("--out is needed: it receives the plans")
			}
			f.output.out = filepath.Join(out, "report")
			return p.onLive(cmd, given, &f, func(ctx context.Context, s scope) (*pipelines.Report, error) {
				done, err := s.fetchRemoved(ctx)
				if err != nil {
					return nil, err
				}
				defer done()
				creator, commit := f.who(ctx, s)
				return live.Plan{Scope: s.Scope, Config: s.config, Out: out, Environments: f.environments, Only: f.only, Program: f.program,
					Mirror: f.mirror, LockTimeout: f.lockTimeout, Token: f.token, Creator: creator, Commit: commit, Destroy: destroy,
					VerifyProvidersOnce: verifyOnce, Leaving: s.leaving(f)}.Run(ctx)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "write the plans to `DIR`, which must be empty or new")
	cmd.Flags().BoolVar(&verifyOnce, "verify-providers-once", false, "hash each provider of the lock files once, not in every call of terraform")
	cmd.Flags().BoolVar(&destroy, "destroy", false, "plan the destruction of the selected units")
	return cmd
}

func (p *program) apply() *cobra.Command {
	var f liveFlags
	var named storeFlag
	var work, replanned, forgeToken string
	var identities, capsules []string
	var destroy bool
	cmd := &cobra.Command{
		Use:   "apply [DIR]",
		Short: "Apply exactly the plans that were reviewed",
		Long: `Applies the capsules of the live units that changed since the base, and nothing else:
those whose closure is that of the trunk, whose state has not moved since, that were
signed by a known signer, and that were approved where the risk asks for it: by a signed
record (penstock capsule approve), or, in an environment with approvals: forge, by letting
this run use the forge's environment of the same name. A unit is applied under a lease; its intent is written down before and its result after.

It is an effect: Ctrl-C asks terraform to stop and waits for it. After a kill, run
penstock recover.`,
		Example: `  penstock apply --base HEAD~1 --identity key.txt
  penstock apply --all --only live/dvlp/network --capsule plan.capsule --identity key.txt`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return p.onLive(cmd, given, &f, func(ctx context.Context, s scope) (*pipelines.Report, error) {
				done, err := s.fetchRemoved(ctx)
				if err != nil {
					return nil, err
				}
				defer done()
				// The checkout is the trunk: what was merged counts, and not what was before.
				before, leaving := s.config, s.leaving(f)
				s.config, s.Base = s.head, nil
				a := live.Apply{Scope: s.Scope, Config: s.config, Before: before, Files: capsules, Environments: f.environments, Only: f.only, Program: f.program,
					Mirror: f.mirror, LockTimeout: f.lockTimeout, Token: f.token, Work: work, Destroy: destroy, Replanned: replanned, Leaving: leaving}
				a.Creator, a.Commit = f.who(ctx, s)
				a.CI, a.Forge = ledger.CIFrom(os.Getenv), forge.FromEnvironment(os.Getenv)
				if forgeToken != "" {
					if a.Forge.Token, err = forge.ReadToken(forgeToken); err != nil {
						return nil, err
					}
				}
				a.Repository = a.Creator.Repository
				if a.Identities, err = readIdentities(identities); err != nil {
					return nil, err
				}
				if a.Store, err = named.open(ctx, s); err != nil {
					return nil, err
				}
				return a.Run(ctx)
			})
		},
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.output.out, "out", "", "write the report to `DIR` too, in every format")
	named.add(cmd)
	flags.StringArrayVar(&identities, "identity", nil, "a `FILE` with a private key that opens capsules; may be given more than once")
	flags.StringArrayVar(&capsules, "capsule", nil, "apply the capsule in `FILE` in place of those in the store; may be given more than once")
	flags.StringVar(&replanned, "replanned", "", "put plans that had to be made again, and that nobody has reviewed, into `DIR`")
	flags.BoolVar(&destroy, "destroy", false, "apply plans that destroy whole units, made with penstock plan --destroy, and no others")
	// Of the environment, GITHUB_TOKEN reaches the providers too.
	flags.StringVar(&forgeToken, "token-file", "", "a `FILE` with the forge's token, in place of GITHUB_TOKEN: it is asked who approved this run, where approvals: forge")
	flags.StringVar(&work, "work", "", "keep what an apply leaves when it fails in `DIR`")
	return cmd
}
