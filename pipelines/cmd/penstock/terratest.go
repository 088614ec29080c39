package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/catalog"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/report"
	"github.com/penstock-dev/penstock/pipelines/terratest"
)

// terratestFlags are what a run of tests is told.
type terratestFlags struct {
	scope   scopeFlags
	output  outputFlags
	stage   terratest.Terratest
	retries int
}

func (f *terratestFlags) add(cmd *cobra.Command) {
	f.output.add(cmd)
	flags := cmd.Flags()
	t := &f.stage
	flags.IntVar(&t.Parallel, "parallel", 0, "run at most `N` cases at once (default terratest.parallel, else the number of cores)")
	flags.DurationVar(&t.Soft, "soft", 0, "ask tests to stop and to undo after this `TIME` (default terratest.soft, else 30m)")
	flags.DurationVar(&t.Hard, "hard", 0, "kill tests after this `TIME` (default terratest.hard, else 45m)")
	flags.DurationVar(&t.TTL, "ttl", 0, "what the run leaves may be swept by anybody after this `TIME` (default terratest.ttl, else 24h)")
	flags.IntVar(&f.retries, "retries", 0, "try a failed case again up to `N` times (default terratest.retries, else 1)")
	flags.StringVar(&t.States, "states", "", "keep what the run deploys in `DIR`, a directory or s3://bucket/prefix (default terratest.states)")
	flags.StringVar(&t.History, "history", "", "keep flakes and durations in `DIR`, a directory or s3://bucket/prefix (default terratest.history)")
	flags.StringVar(&t.Mirror, "provider-mirror", "", "take providers from the filesystem mirror in `DIR` only")
}

func (p *program) terratest() *cobra.Command {
	var f terratestFlags
	cmd := &cobra.Command{
		Use:   "terratest [DIR]",
		Short: "Run the tests of the units that a change touches, and undo what they deployed",
		Long: `Runs the Go tests, the terraform tests and the declared examples of the units of the
catalog in DIR (default: the working directory) that changed since the base, in parallel,
and prints one report in which every declared case is passed, failed, skipped or not run.

At the soft deadline running tests are asked to stop and to undo; at the hard one they are
killed. Whatever is left is swept in both cases, and what cannot be undone is a leak.

Exit codes:
  0  every declared case passed, or is excused by name
  1  a case failed, or something leaked
  2  the command line or penstock.yaml is wrong
  3  a declared case was not run (outranks 1)`,
		Example: `  penstock terratest --base origin/main
  penstock terratest --unit tests/sqs-queue --soft 10m --hard 15m
  penstock terratest --all --parallel 4 --out report/`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			r, err := p.runTests(cmd, &f, or(given, "."))
			if err != nil {
				return err
			}
			return p.print(r, f.output)
		},
	}
	f.scope.add(cmd)
	f.add(cmd)
	return cmd
}

// runTests resolves the scope and tests it.
func (p *program) runTests(cmd *cobra.Command, f *terratestFlags, dir string) (*pipelines.Report, error) {
	if err := f.output.check(); err != nil {
		return nil, err
	}
	for _, name := range []string{"parallel", "soft", "hard", "ttl"} {
		if flag := cmd.Flags().Lookup(name); flag.Changed && (flag.Value.String() == "0" || flag.Value.String() == "0s" || flag.Value.String()[0] == '-') {
			return nil, usage("--%s is %s, and has to be more than nothing", name, flag.Value)
		}
	}
	t := f.stage
	if cmd.Flags().Changed("retries") {
		if f.retries < 0 || f.retries > 9 {
			return nil, usage("--retries is %d, allowed are 0 to 9", f.retries)
		}
		t.Retries = &f.retries
	}
	ctx := cmd.Context()
	for _, address := range []*string{&t.States, &t.History} {
		if *address != "" && !remote(*address) {
			absolute, err := filepath.Abs(*address)
			if err != nil {
				return nil, err
			}
			*address = absolute
		}
	}
	s, err := f.scope.resolve(ctx, dir)
	if err != nil {
		return nil, err
	}
	t.Scope, t.Config, t.Out = s.Scope, s.config, f.output.out
	if t.Commit, t.Dirty = live.Checkout(ctx, s.Root); !t.Dirty {
		t.Selection.Head = t.Commit // what a release takes as evidence
	}
	all, err := catalog.Select(ctx, catalog.Options{Root: s.Root, All: true, Config: s.head})
	if err != nil {
		return nil, err
	}
	t.Sweep.Actor, t.Sweep.Coroner = actor(), coroner()
	t.Catalog = all.Selection.Units
	progress := report.NewProgress(p.err, terminal(p.err))
	defer progress.Close()
	t.Cases = progress.Case
	return t.Run(ctx)
}
