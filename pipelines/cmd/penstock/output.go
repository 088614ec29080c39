package main

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sethvargo/go-githubactions"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/check"
	"github.com/penstock-dev/penstock/pipelines/report"
)

// outputFlags say how a report is printed.
type outputFlags struct {
	json   bool
	format string
	out    string
	github bool
}

func (o *outputFlags) add(cmd *cobra.Command) {
	o.addPrint(cmd)
	cmd.Flags().StringVar(&o.out, "out", "", "write the report to `DIR` too, in every format")
}

// addPrint is add for a command whose --out says more.
func (o *outputFlags) addPrint(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&o.json, "json", false, "print the report as JSON (the same as --format json)")
	flags.StringVar(&o.format, "format", "text", "print the report as `FORMAT`: "+strings.Join(report.Formats, ", "))
	flags.BoolVar(&o.github, "github", false, "write annotations and the step summary of GitHub Actions too")
}

func (o *outputFlags) check() error {
	if o.json {
		o.format = "json"
	}
	if !slices.Contains(report.Formats, o.format) {
		return usage("there is no format %q, there are %s", o.format, strings.Join(report.Formats, ", "))
	}
	return nil
}

// print writes the report and takes its verdict as the program's.
func (p *program) print(r *pipelines.Report, o outputFlags) error {
	p.verdict = r.Verdict
	if o.out != "" {
		if err := report.Export(o.out, r); err != nil {
			return err
		}
	}
	if o.github {
		// Workflow commands are read from both streams; stdout stays the report's.
		if err := report.GitHub(githubactions.New(githubactions.WithWriter(p.err)), r); err != nil {
			return err
		}
	}
	return report.Write(p.out, r, o.format, report.Options{Color: terminal(p.out)})
}

// terminal says whether w is a terminal that wants colours.
func terminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// judge examines a catalog and prints the report.
func (p *program) judge(ctx context.Context, c check.Check, f scopeFlags, s stageFlags, o outputFlags, dir string) error {
	if err := o.check(); err != nil {
		return err
	}
	r, err := p.examine(ctx, c, f, s, dir)
	if err != nil {
		return err
	}
	return p.print(r, o)
}

// examine resolves the scope and runs the stages on it.
func (p *program) examine(ctx context.Context, c check.Check, f scopeFlags, s stageFlags, dir string) (*pipelines.Report, error) {
	scope, err := f.resolve(ctx, dir)
	if err != nil {
		return nil, err
	}
	c.Scope, c.Config = scope.Scope, scope.config
	if err := s.apply(&c); err != nil {
		return nil, err
	}
	progress := report.NewProgress(p.err, terminal(p.err))
	c.Progress = progress.Event
	defer progress.Close()
	return c.Run(ctx)
}
