package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/check"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

func (p *program) demo() *cobra.Command {
	var c check.Check
	cmd := &cobra.Command{
		Use:   "demo [DIR]",
		Short: "Show a bad change to the example catalog being caught",
		Long: `Copies examples/infrastructure-modules of a checkout of Penstock in DIR (default: the
working directory) to a temporary directory, commits it, applies the recorded bad
change in examples/demo and checks it. Exits with 0 when the change was caught.`,
		Example: `  penstock demo --stages terraform-fmt,compliance`,
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return p.show(cmd.Context(), c, or(given, "."))
		},
	}
	cmd.Flags().StringSliceVar(&c.Stages, "stages", nil, "run only these `STAGES`, separated by commas")
	return cmd
}

func (p *program) show(ctx context.Context, c check.Check, checkout string) error {
	examples, err := filepath.Abs(filepath.Join(checkout, "examples"))
	if err != nil {
		return err
	}
	catalog, patch := filepath.Join(examples, "infrastructure-modules"), filepath.Join(examples, "demo", "bad-change.patch")
	if _, err := os.Stat(patch); err != nil {
		return usage("reading the recorded change: %w", err)
	}
	dir, err := os.MkdirTemp("", "penstock-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS(catalog)); err != nil {
		return fmt.Errorf("copying the example catalog: %w", err)
	}
	for _, argv := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"add", "--all"},
		{"-c", "user.name=demo", "-c", "user.email=demo@example.invalid", "commit", "--quiet", "--message=Catalog"},
		{"apply", patch},
	} {
		out, err := process.Run(ctx, process.Command{Argv: append([]string{"git"}, argv...), Dir: dir, Env: gitEnv(dir)})
		if err != nil {
			return &pipelines.Error{Err: err, Hint: "the demo needs git"}
		}
		if out.Exit != 0 {
			return fmt.Errorf("running git %s: %s", argv[0], out.Stderr)
		}
	}
	fmt.Fprintf(p.out, "The recorded change to a copy of %s:\n\n  penstock check --base HEAD\n\n", "examples/infrastructure-modules")
	r, err := p.examine(ctx, c, scopeFlags{base: "HEAD"}, stageFlags{}, dir)
	if err != nil {
		return err
	}
	if err := p.print(r, outputFlags{format: "text"}); err != nil {
		return err
	}
	if r.Counts[pipelines.Fail] == 0 {
		return fmt.Errorf("checking the recorded change: it came to %q, but it has to be caught", r.Verdict)
	}
	fmt.Fprintf(p.out, "\nThe change was caught: here penstock check exits with %d.\n", r.Verdict.ExitCode())
	p.verdict = pipelines.Pass
	return nil
}

// gitEnv keeps the user's own settings and hooks out of the demo.
func gitEnv(dir string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1"}
}
