package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/service"
)

// stackFlags are what the stages on a stack of a service share.
type stackFlags struct {
	serviceFlags
	liveFlags // of which those that choose units are not offered: there is one
	base      string
	store     storeFlag
}

func (f *stackFlags) add(cmd *cobra.Command, output bool) {
	f.serviceFlags.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.base, "base", "", "plan a change since the merge base with `REF`: who may read, sign and approve is as it is there")
	if !output {
		return
	}
	flags.BoolVar(&f.output.json, "json", false, "print the report as JSON (the same as --format json)")
	flags.StringVar(&f.output.format, "format", "text", "print the report as `FORMAT`: text, json, junit, sarif, markdown")
	flags.BoolVar(&f.output.github, "github", false, "write annotations and the step summary of GitHub Actions too")
	flags.StringVar(&f.program, "terraform", "", "the `PROGRAM` to run (default terraform, else tofu, of PATH)")
	flags.StringVar(&f.mirror, "provider-mirror", "", "take providers from the filesystem mirror in `DIR` only")
	tokenFlags(cmd, &f.token)
	flags.StringVar(&f.creator.Change, "change", "", "the pull request or ticket, for the records of the cloud")
}

// stacked is a stack that is ready to be worked on, until it is closed.
type stacked struct {
	*service.Service
	*service.Workspace
	bundle *bundle.Bundle
	// home is the service's repository, where stores lie and whose commit counts.
	home scope
}

// stack opens a stack. Where it is left out, there is a report and no stack.
func (f *stackFlags) stack(ctx context.Context, name, stage string) (*stacked, *pipelines.Report, error) {
	s, err := f.serviceFlags.open(ctx, f.base)
	if err != nil {
		return nil, nil, err
	}
	if r := s.LeftOut(name, stage); r != nil {
		return nil, r, nil
	}
	b, err := f.opened(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	w, err := s.Workspace(ctx, b, name)
	if err != nil {
		return nil, nil, err
	}
	for i := range w.Selection.Units { // what was said here is said again
		unit := &w.Selection.Units[i]
		for _, more := range [][2]string{{"--base", f.base}, {"--bundle", f.bundle}} {
			if more[1] != "" {
				unit.Command = append(unit.Command, more[:]...)
			}
		}
	}
	return &stacked{Service: s, Workspace: w, bundle: b, home: scope{Scope: pipelines.Scope{Root: s.Root}, config: s.Config}}, nil, nil
}

// finish prints a report with what holds beside it.
func (p *program) finish(s *stacked, r *pipelines.Report, o outputFlags) error {
	s.Note(r, s.bundle, "")
	return p.print(r, o)
}

// stackCommand holds the stages of one root of the bundle.
func (p *program) stackCommand(name, short string) *cobra.Command {
	cmd := &cobra.Command{
		Use: name, Short: short,
		Long: short + `, by the root ` + name + ` of the bundle.

It is planned, sealed and applied as a live unit of its own, ` + "SERVICE/" + name + `: see
docs/live.md and docs/service.md. Its state is at ENVIRONMENT/SERVICE/` + name + `/terraform.tfstate.`,
		Args: args(cobra.NoArgs), RunE: p.help,
	}
	cmd.AddCommand(p.stackPlan(name), p.stackSeal(name), p.stackApply(name), p.stackRecover(name), p.stackUnlock(name), p.stackDrift(name))
	return cmd
}

func (p *program) stackPlan(name string) *cobra.Command {
	var f stackFlags
	var out string
	var destroy bool
	cmd := &cobra.Command{
		Use:   "plan [DIR] --env NAME",
		Short: "Plan it; nothing is changed",
		Long: `Plans the stack with the effective values of an environment and prints the page that
reviewers read. What is written to --out holds secrets; penstock ` + name + ` seal makes a capsule of it.
Without --out nothing is kept.`,
		Example: "  penstock " + name + " plan --env dvlp --out plans",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.output.check(); err != nil {
				return err
			}
			s, left, err := f.stack(cmd.Context(), name, live.PlanStage)
			if err != nil {
				return err
			}
			if left != nil {
				return p.leftOut(left, out, f.output)
			}
			defer s.Close()
			c, err := s.Planned()
			if err != nil {
				return err
			}
			plans := out
			if plans == "" {
				if plans, err = os.MkdirTemp("", "penstock-plans-"); err != nil {
					return fmt.Errorf("making room for the plan: %w", err)
				}
				defer os.RemoveAll(plans) // it holds secrets, and nobody asked for it
			}
			if plans, err = filepath.Abs(plans); err != nil { // the stages work in the workspace
				return err
			}
			creator, commit := f.who(cmd.Context(), s.home)
			progress := report.NewProgress(p.err, terminal(p.err))
			s.Progress = progress.Event
			defer progress.Close()
			r, err := live.Plan{Scope: s.Scope, Config: c, Out: plans, Program: f.program, Mirror: f.mirror, LockTimeout: f.lockTimeout,
				Token: f.token, Creator: creator, Commit: commit, Destroy: destroy}.Run(cmd.Context())
			if err != nil {
				return err
			}
			if out != "" {
				if err := report.Export(filepath.Join(out, "report"), r); err != nil {
					return err
				}
			}
			if f.output.format == "text" {
				page, err := os.ReadFile(filepath.Join(plans, live.PageFile))
				if err != nil {
					return fmt.Errorf("reading the page: %w", err)
				}
				fmt.Fprintf(p.out, "%s\n", page)
			}
			return p.finish(s, r, f.output)
		},
	}
	f.add(cmd, true)
	cmd.Flags().StringVar(&out, "out", "", "write the plan to `DIR`, which must be empty or new")
	cmd.Flags().BoolVar(&destroy, "destroy", false, "plan the destruction of everything in it")
	addLockTimeout(cmd, &f.lockTimeout)
	return cmd
}

// leftOut prints the report of a stack that is left out, and writes to out what a plan would
// have written for people.
func (p *program) leftOut(r *pipelines.Report, out string, o outputFlags) error {
	if out != "" {
		if err := report.Export(filepath.Join(out, "report"), r); err != nil {
			return err
		}
		for _, name := range []string{live.PageFile, live.SummaryFile} {
			var page bytes.Buffer
			if err := report.Markdown(&page, r, 60000); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(out, name), page.Bytes(), 0o644); err != nil {
				return fmt.Errorf("writing the page: %w", err)
			}
		}
	}
	return p.print(r, o)
}

func (p *program) stackSeal(name string) *cobra.Command {
	var f stackFlags
	var key, plans string
	var asJSON, local bool
	var recipients []string
	cmd := &cobra.Command{
		Use:     "seal [DIR] --env NAME --plans PLANS --key FILE",
		Short:   "Make a capsule of what plan wrote",
		Long:    `Encrypts the plan to live.recipients and signs it, as penstock capsule seal does. This process runs neither terraform nor a provider.`,
		Example: "  penstock " + name + " seal --env dvlp --plans plans --key signing.pem",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if plans == "" || key == "" {
				return usage("--plans and --key are needed")
			}
			s, left, err := f.stack(cmd.Context(), name, "seal")
			if err != nil {
				return err
			}
			if left != nil {
				return p.print(left, outputFlags{format: map[bool]string{true: "json", false: "text"}[asJSON]})
			}
			defer s.Close()
			if plans, err = filepath.Abs(plans); err != nil {
				return err
			}
			seal := live.Seal{Dir: plans, Scope: s.Scope, Mirror: f.mirror}
			if seal.Config, err = s.Planned(); err != nil {
				return err
			}
			if len(recipients) > 0 && !s.Ungated() {
				return usage("--recipient is for environments without gates: who may open what is sealed for %q stands in live.recipients", f.env)
			}
			seal.Config.Live.Recipients = append(slices.Clone(seal.Config.Live.Recipients), recipients...)
			seal.Creator, _ = f.who(cmd.Context(), s.home)
			seal.Authors = live.Authors(cmd.Context(), s.home.Root, f.base)
			if seal.Key, err = capsule.ReadSigner(key); err != nil {
				return err
			}
			if !local {
				if seal.Store, err = f.store.open(cmd.Context(), s.home); err != nil {
					return err
				}
			}
			sealed, err := seal.Run(cmd.Context())
			if err != nil {
				return err
			}
			return p.sealed(sealed, asJSON)
		},
	}
	f.add(cmd, false)
	f.store.add(cmd)
	tokenFlags(cmd, nil)
	flags := cmd.Flags()
	flags.StringVar(&plans, "plans", "", "the `DIR` that plan wrote")
	flags.StringVar(&key, "key", "", "a `FILE` with the private ed25519 key to sign with")
	flags.StringVar(&f.mirror, "provider-mirror", "", "the mirror in `DIR` that plan took providers from: the page names it in the command that plans again")
	flags.StringArrayVar(&recipients, "recipient", nil, "let the private key of `RECIPIENT` open it too, in an environment without gates")
	flags.BoolVar(&local, "local", false, "leave the capsule beside the plan, and keep it in no store")
	flags.BoolVar(&asJSON, "json", false, "print the capsule as JSON")
	return cmd
}

func (p *program) stackApply(name string) *cobra.Command {
	var f stackFlags
	var work, replanned, forgeToken string
	var identities, capsules []string
	var destroy bool
	cmd := &cobra.Command{
		Use:   "apply [DIR] --env NAME",
		Short: "Apply exactly the plan that was reviewed",
		Long: `Applies the capsule that was sealed for the same bundle and the same effective values, and
nothing else, under a lease and with a journal. It is an effect: after a kill, run
penstock ` + name + ` recover.`,
		Example: "  penstock " + name + " apply --env dvlp --identity key.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.output.check(); err != nil {
				return err
			}
			s, left, err := f.stack(cmd.Context(), name, live.ApplyStage)
			if err != nil {
				return err
			}
			if left != nil {
				return p.print(left, f.output)
			}
			defer s.Close()
			if err := absolute(&work, &replanned); err != nil {
				return err
			}
			a := live.Apply{Scope: s.Scope, Config: s.Trunk, Before: s.Before, Files: capsules, Program: f.program, Mirror: f.mirror,
				LockTimeout: f.lockTimeout, Token: f.token, Work: work, Destroy: destroy, Replanned: replanned}
			a.Creator, a.Commit = f.who(cmd.Context(), s.home)
			a.CI, a.Forge = ledger.CIFrom(os.Getenv), forge.FromEnvironment(os.Getenv)
			if forgeToken != "" {
				if a.Forge.Token, err = forge.ReadToken(forgeToken); err != nil {
					return err
				}
			}
			a.Repository = a.Creator.Repository
			if a.Identities, err = readIdentities(identities); err != nil {
				return err
			}
			if a.Store, err = f.store.open(cmd.Context(), s.home); err != nil {
				return err
			}
			progress := report.NewProgress(p.err, terminal(p.err))
			a.Progress = progress.Event
			defer progress.Close()
			r, err := a.Run(cmd.Context())
			if err != nil {
				return err
			}
			return p.finish(s, r, f.output)
		},
	}
	f.add(cmd, true)
	f.store.add(cmd)
	addLockTimeout(cmd, &f.lockTimeout)
	flags := cmd.Flags()
	flags.StringVar(&f.output.out, "out", "", "write the report to `DIR` too, in every format")
	flags.StringVar(&forgeToken, "token-file", "", "a `FILE` with the forge's token, in place of GITHUB_TOKEN: it is asked who approved this run, where approvals: forge")
	flags.StringArrayVar(&identities, "identity", nil, "a `FILE` with a private key that opens capsules; may be given more than once")
	flags.StringArrayVar(&capsules, "capsule", nil, "apply the capsule in `FILE` in place of those in the store")
	flags.StringVar(&replanned, "replanned", "", "put a plan that had to be made again, and that nobody has reviewed, into `DIR`")
	flags.BoolVar(&destroy, "destroy", false, "apply a plan that destroys everything in it, made with plan --destroy, and no other")
	flags.StringVar(&work, "work", "", "keep what an apply leaves when it fails in `DIR`")
	return cmd
}
