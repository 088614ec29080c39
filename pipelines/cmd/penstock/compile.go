package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/image"
	"github.com/penstock-dev/penstock/pipelines/report"
)

func (p *program) compileTest() *cobra.Command {
	var test image.CompileTest
	var o outputFlags
	cmd := &cobra.Command{
		Use:   "compile-test [DIR]",
		Short: "Compile a service and run its tests with the command of its own language",
		Long: `Detects the language by the files in DIR (go.mod, package.json, pyproject.toml, pom.xml,
build.gradle, Cargo.toml, or a stage named test in the Dockerfile), runs its own test
command, and judges each test. With --out, junit.xml and the coverage are kept beside the
report. The tests see no variable that may hold a secret.

Exit codes:
  0  all tests pass
  1  a test fails, or it does not compile
  2  the command line or penstock.yaml is wrong
  3  no language was detected, its program is absent, or no test ran`,
		Example: `  penstock compile-test
  penstock compile-test services/orders --out build/test`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := o.check(); err != nil {
				return err
			}
			dir, err := directory(or(given, "."))
			if err != nil {
				return err
			}
			configured, err := config.Load(os.DirFS(dir))
			if err != nil {
				return err
			}
			test.Dir, test.Out = dir, o.out
			if test.Language == "" {
				test.Language = configured.Image.Language
			}
			progress := report.NewProgress(p.err, terminal(p.err))
			test.Progress = progress.Event
			defer progress.Close()
			r, err := test.Run(cmd.Context())
			if err != nil {
				return err
			}
			return p.print(r, o)
		},
	}
	cmd.Flags().StringVar(&test.Language, "language", "", "test as `LANGUAGE`: "+strings.Join(image.Languages(), ", ")+". Default: image.language of penstock.yaml, or what is detected")
	o.add(cmd)
	return cmd
}

func (p *program) imageScan() *cobra.Command {
	var scan image.Scan
	var o outputFlags
	var failOn string
	cmd := &cobra.Command{
		Use:   "image-scan IMAGE [-- COMMAND...]",
		Short: "Have a scanner look at an image, and judge what it found by its severity",
		Long: `Runs trivy or grype, whichever is on PATH, or the command behind --, which prints SARIF
and in whose arguments {image} stands for the image. The command is never read from the
repository: a pull request does not choose what runs. IMAGE is REPOSITORY@DIGEST or the
directory of an OCI layout. What is found at the severity of --fail-on or above fails;
what has no severity is unknown.

Exit codes:
  0  nothing of that severity was found
  1  something was, or has no severity
  2  the command line is wrong
  3  there is no scanner, or it did not succeed`,
		Example: `  penstock image-scan build/image
  penstock image-scan registry.example.com/acme/orders@sha256:... --fail-on critical
  penstock image-scan build/image -- scanner --format sarif {image}`,
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := o.check(); err != nil {
				return err
			}
			dash := cmd.ArgsLenAtDash()
			if dash >= 0 {
				given, scan.Command = given[:dash], given[dash:]
			}
			if len(given) != 1 {
				return usage("one IMAGE is needed, and a command only behind --")
			}
			scan.Image, scan.FailOn = given[0], pipelines.Severity(failOn)
			progress := report.NewProgress(p.err, terminal(p.err))
			scan.Progress = progress.Event
			defer progress.Close()
			r, err := scan.Run(cmd.Context())
			if err != nil {
				return usageError{err}
			}
			return p.print(r, o)
		},
	}
	cmd.Flags().StringVar(&failOn, "fail-on", "high", "fail from `SEVERITY`: low, medium, high, critical")
	o.add(cmd)
	return cmd
}
