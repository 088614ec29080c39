package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/catalog"
	"github.com/penstock-dev/penstock/pipelines/report"
)

// report holds the commands on reports that were written before.
func (p *program) report() *cobra.Command {
	cmd := &cobra.Command{
		Use: "report", Short: "Join, show, assert and publish reports that were written before",
		Args: args(cobra.NoArgs),
		RunE: p.help,
	}
	cmd.AddCommand(p.merge(), p.assert(), p.publish())
	return cmd
}

func (p *program) merge() *cobra.Command {
	var o outputFlags
	var selection string
	var stages, skipped []string
	var count int
	cmd := &cobra.Command{
		Use:   "merge --selection DIR --stages STAGES REPORT.json...",
		Short: "Join the reports of single stages, and prove that none is missing",
		Long: `Joins the reports of single stages on one selection. A stage that was declared with
--stages and has no result on a unit of the selection is not run. The exit code is 0
whatever the verdict is: penstock report assert sets it.`,
		Example: `  penstock report merge --selection sel --stages terraform-fmt,tflint --out report fmt.json tflint.json`,
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if selection == "" || len(stages) == 0 {
				return usage("--selection and --stages are needed: without them nothing can be found missing")
			}
			selected, err := catalog.Import(selection)
			if err != nil {
				return err
			}
			if n := len(selected.Selection.Units); count >= 0 && count != n {
				return fmt.Errorf("comparing with the matrix: it counts %d units, the selection has %d", count, n)
			}
			var parts []*pipelines.Report
			for _, path := range given {
				part, err := readReport(path)
				if err != nil {
					return err
				}
				parts = append(parts, part)
			}
			r, err := report.Merge(selected.Selection, stages, parts...)
			if err != nil {
				return err
			}
			for _, name := range skipped {
				r.Skipped = append(r.Skipped, pipelines.Skip{Stage: name, Reason: "left out by name"})
			}
			if err := p.print(r, o); err != nil {
				return err
			}
			p.verdict = pipelines.Pass
			return nil
		},
	}
	o.add(cmd)
	cmd.Flags().StringVar(&selection, "selection", "", "the selection that the reports are about: a `DIR` written by penstock units --export")
	cmd.Flags().StringSliceVar(&stages, "stages", nil, "the `STAGES` that had to run")
	cmd.Flags().IntVar(&count, "count", -1, "the `COUNT` of the matrix that the jobs were made from")
	cmd.Flags().StringSliceVar(&skipped, "skip", nil, "the `STAGES` that were left out by name")
	return cmd
}

func (p *program) assert() *cobra.Command {
	var o outputFlags
	cmd := &cobra.Command{
		Use:     "assert REPORT.json",
		Short:   "Print a report and exit by its verdict, without running anything",
		Example: `  penstock report assert report/report.json`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := o.check(); err != nil {
				return err
			}
			r, err := readReport(given[0])
			if err != nil {
				return err
			}
			return p.print(r, o)
		},
	}
	o.add(cmd)
	return cmd
}

func readReport(path string) (*pipelines.Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a report: %w", err)
	}
	defer file.Close()
	r, err := report.Read(file)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	return r, nil
}
