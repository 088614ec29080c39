package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/check"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/helm"
	"github.com/penstock-dev/penstock/pipelines/image"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/release"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/service"
	"github.com/penstock-dev/penstock/pipelines/terratest"
)

// program is the whole program as a value: a test runs it on streams of its own.
type program struct {
	in       io.Reader
	out, err io.Writer
	// verdict is what the command came to; it sets the exit code.
	verdict pipelines.Verdict
	// after is done once the command is over.
	after []func()
}

const long = `Penstock judges infrastructure code: which units a change touches, and whether
each is formatted, valid, linted and compliant. Of live infrastructure it shows what
a merge would change, and applies exactly what was reviewed. The same stages, with the
same names and the same report, run on a laptop, in "dagger call" and in CI.

Exit codes:
  0  everything passed or is waived
  1  a finding, or something that cannot be decided
  2  the command line or penstock.yaml is wrong
  3  something was not run or could not be read (outranks 1)`

const example = `  penstock check --base origin/main            what this branch touches, all stages
  penstock check --all --stages terraform-fmt,compliance
  penstock units --base origin/main --why      which units, and why
  penstock compliance plan.json                judge the JSON of a plan
  penstock plan --base origin/main --out plans what a merge would change in live units`

func (p *program) root() *cobra.Command {
	cmd := &cobra.Command{
		Use: "penstock", Short: "Pipeline stages for infrastructure code", Long: long, Example: example,
		Version: version(), SilenceErrors: true, SilenceUsage: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no command %q", args[0])
			}
			return nil
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			p.verdict = untold(cmd)
			return p.askForTokens(cmd)
		},
		RunE: p.help,
	}
	cmd.SetIn(p.in)
	cmd.SetOut(p.out)
	cmd.SetErr(p.err)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.AddCommand(p.check(), p.units(), p.report(), p.plan(), p.capsule(), p.apply(), p.recover(), p.unlock(), p.drift(), p.new(), p.comment(), p.demo())
	cmd.AddCommand(p.bundle(), p.manifest(), p.service(), p.stackCommand(service.IAM, "The role of a service and what it may do"), p.stackCommand(service.IaC, "The infrastructure of a service"))
	cmd.AddCommand(p.helmValues(), p.helmDeploy(), p.helmRollback(), p.serviceDeploy(), p.doctor())
	cmd.AddCommand(p.compileTest(), p.dockerBuild(), p.imageScan(), p.dockerPush(), p.imagePromote(), p.image())
	cmd.AddCommand(p.terratest(), p.nightly(), p.sweep(), p.releaseModules())
	for _, s := range stages {
		cmd.AddCommand(p.stage(s))
	}
	return cmd
}

// untold is the verdict of a command that has not said one: whoever judges has to
// say it, who only prints (help, completions) need not.
func untold(cmd *cobra.Command) pipelines.Verdict {
	if cmd.Name() == "help" || cmd.Name() == cobra.ShellCompRequestCmd || cmd.HasParent() && cmd.Parent().Name() == "completion" {
		return pipelines.Pass
	}
	return pipelines.NotRun
}

// help is what a command does that only has commands beneath it.
func (p *program) help(cmd *cobra.Command, _ []string) error {
	p.verdict = pipelines.Pass
	return cmd.Help()
}

func (p *program) run(ctx context.Context, args []string) int {
	return p.execute(ctx, p.root(), args)
}

func (p *program) execute(ctx context.Context, root *cobra.Command, args []string) int {
	p.verdict = pipelines.Pass // help and the version never come to a command
	defer func() {
		for _, f := range p.after {
			f()
		}
	}()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return p.verdict.ExitCode()
	}
	code := exitCode(err)
	fmt.Fprintf(p.err, "penstock: %s\n", report.Printable(err.Error()))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(p.err, "hint: %s\n", report.Printable(hint))
	} else if code == pipelines.ExitUsage {
		fmt.Fprintf(p.err, "hint: run %s --help\n", cmd.CommandPath())
	}
	return code
}

// usageError is an error of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// usages are errors of what was typed; refusals say that something was read, judged
// and must not be.
var (
	usages = []error{check.ErrStage, live.ErrChoice, helm.ErrChoice, image.ErrReference, image.ErrEnvironment, terratest.ErrChoice,
		release.ErrFragment, release.ErrRemote}
	refusals = []error{capsule.ErrRefused, bundle.ErrRefused, image.ErrRefused, image.ErrBuild, release.ErrRefused}
)

func among(list []error, err error) bool {
	return slices.ContainsFunc(list, func(known error) bool { return errors.Is(err, known) })
}

func exitCode(err error) int {
	var command usageError
	var file *config.Error
	var values *service.Error
	unknownCommand := strings.HasPrefix(err.Error(), "unknown command") // cobra has no type for it
	if errors.As(err, &command) || errors.As(err, &file) || errors.As(err, &values) || among(usages, err) || unknownCommand {
		return pipelines.ExitUsage
	}
	if among(refusals, err) {
		return pipelines.ExitFindings // it was read, and judged
	}
	return pipelines.ExitNotRun
}

func hintOf(err error) string {
	var known *pipelines.Error
	if errors.As(err, &known) {
		return known.Hint
	}
	return ""
}

// args turns cobra's complaint about arguments into a usage error.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := check(cmd, given); err != nil {
			return usageError{err}
		}
		return nil
	}
}
