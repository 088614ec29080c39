package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/image"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
	"github.com/penstock-dev/penstock/pipelines/report"
)

// image holds the commands on what is attested of an image.
func (p *program) image() *cobra.Command {
	cmd := &cobra.Command{
		Use: "image", Short: "Say, and ask, in which environments an image was deployed",
		Long: `A deploy that succeeded is attested beside the image: a signed statement that names the
digest and the environment, kept in the registry as a referrer and promoted with the
image. An environment takes only a digest that the one before attested.

Exit codes:
  0  attested, or it may be deployed
  1  refused: no attestation, an unknown signer, another digest, or tampered
  2  the command line, a key or penstock.yaml is wrong
  3  the registry could not be reached or read`,
		Args: args(cobra.NoArgs), RunE: p.help,
	}
	cmd.AddCommand(p.imageAttest(), p.imageAttested(), p.imageGate())
	return cmd
}

func (p *program) imageAttest() *cobra.Command {
	var facts image.Facts
	var environment, key, deployed string
	cmd := &cobra.Command{
		Use:     "attest REPOSITORY@DIGEST --env NAME --key FILE",
		Short:   "Sign that an image was deployed to an environment, and keep that beside the image",
		Example: `  penstock image attest registry.example.com/acme/orders@sha256:... --env dvlp --key signing.pem --commit "$(git rev-parse HEAD)"`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if environment == "" || key == "" {
				return usage("--env and --key are needed")
			}
			signer, err := capsule.ReadSigner(key)
			if err != nil {
				return ofKey(err)
			}
			if deployed != "" {
				if facts.Deployed, err = time.Parse(time.RFC3339, deployed); err != nil {
					return usage("--deployed %q: it is not a time such as 2026-11-21T12:00:00Z", deployed)
				}
			}
			digest, err := image.Registry{}.Attest(cmd.Context(), given[0], environment, facts, signer)
			if err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			fmt.Fprintln(p.out, digest)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&environment, "env", "", "the `ENVIRONMENT` that it was deployed to")
	flags.StringVar(&key, "key", "", "sign with the ed25519 private key in `FILE`: penstock capsule keygen makes one")
	flags.StringVar(&facts.Service, "service", "", "the `NAME` of the service")
	flags.StringVar(&facts.Commit, "commit", "", "the `COMMIT` that was deployed")
	flags.StringVar(&facts.Bundle, "bundle", "", "the `VERSION` of the bundle")
	flags.StringVar(&facts.Release, "release", "", "the `RELEASE` in the cluster")
	flags.StringVar(&facts.Actor, "actor", os.Getenv("GITHUB_ACTOR"), "`WHO` deployed it")
	flags.StringVar(&facts.Run, "run", "", "the `URL` of the run")
	flags.StringVar(&deployed, "deployed", "", "`WHEN` it succeeded. Default: now")
	return cmd
}

// trustFlags are whose attestations count, and where that is read.
type trustFlags struct {
	signers   signerFlag
	dir, base string
	asJSON    bool
}

func (f *trustFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar((*[]string)(&f.signers), "signer", nil, "trust attestations signed with `[NAME=]KEY`, in place of live.signers; may be given more than once")
	cmd.Flags().StringVar(&f.dir, "dir", ".", "the `DIR` of penstock.yaml")
	cmd.Flags().StringVar(&f.base, "base", "", "read penstock.yaml as it stands on the merge base with `REF`")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the attestation as JSON")
}

func (f *trustFlags) trust(ctx context.Context) (*config.Config, image.Signers, error) {
	configured, err := configOn(ctx, f.dir, f.base)
	if err != nil {
		return nil, nil, err
	}
	if len(f.signers) == 0 {
		signers, err := image.SignersOf(configured)
		return configured, signers, err
	}
	trust, err := f.signers.trust()
	return configured, trust.Signers, err
}

// configOn reads penstock.yaml of a directory as it is, or as it stands on a base.
func configOn(ctx context.Context, dir, base string) (*config.Config, error) {
	root, err := directory(dir)
	if err != nil {
		return nil, err
	}
	var from fs.FS = os.DirFS(root)
	if base != "" {
		repo, err := git.Open(ctx, root)
		if err != nil {
			return nil, err
		}
		commit, err := repo.MergeBase(ctx, base, "HEAD")
		if err != nil {
			return nil, err
		}
		tree, err := repo.Tree(ctx, commit)
		if err != nil {
			return nil, err
		}
		from = tree.FS()
	}
	return config.Load(from)
}

func (p *program) imageAttested() *cobra.Command {
	var f trustFlags
	var environment string
	cmd := &cobra.Command{
		Use: "attested REPOSITORY@DIGEST --env NAME", Short: "Say whether someone known attested that an image was deployed to an environment",
		Example: `  penstock image attested registry.example.com/acme/orders@sha256:... --env dvlp --signer pipeline=ed25519:...`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if environment == "" {
				return usage("--env is needed")
			}
			_, signers, err := f.trust(cmd.Context())
			if err != nil {
				return err
			}
			record, err := image.Registry{}.Attested(cmd.Context(), given[0], environment, signers)
			if err != nil {
				return err
			}
			return p.showRecord(record, f.asJSON)
		},
	}
	cmd.Flags().StringVar(&environment, "env", "", "the `ENVIRONMENT` to ask for")
	f.add(cmd)
	return cmd
}

func (p *program) imageGate() *cobra.Command {
	var f trustFlags
	var environment string
	cmd := &cobra.Command{
		Use: "gate REPOSITORY@DIGEST --env NAME", Short: "Say whether an image may be deployed to an environment: the one before has attested it",
		Example: `  penstock image gate registry.example.com/acme/orders@sha256:... --env pprd`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if environment == "" {
				return usage("--env is needed")
			}
			configured, signers, err := f.trust(cmd.Context())
			if err != nil {
				return err
			}
			record, err := image.Registry{}.Gate(cmd.Context(), given[0], environment, image.Order(configured), signers)
			if err != nil {
				return err
			}
			if record == nil && !f.asJSON {
				p.verdict = pipelines.Pass
				fmt.Fprintf(p.out, "%s is the first environment: nothing has to be attested before\n", report.Printable(environment))
				return nil
			}
			return p.showRecord(record, f.asJSON)
		},
	}
	cmd.Flags().StringVar(&environment, "env", "", "the `ENVIRONMENT` to deploy to")
	f.add(cmd)
	return cmd
}

func (p *program) showRecord(r *image.Record, asJSON bool) error {
	p.verdict = pipelines.Pass
	if asJSON {
		return p.printJSON(r)
	}
	by := ""
	if r.Facts.Actor != "" {
		by = " by " + report.Printable(r.Facts.Actor)
	}
	fmt.Fprintf(p.out, "deployed to %s on %s%s, signed by %s\n", report.Printable(r.Environment), r.Facts.Deployed.Format(time.RFC3339), by, report.Printable(r.Signer))
	return nil
}
