package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/catalog"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/report"
)

func (p *program) units() *cobra.Command {
	var o catalog.Options
	var why, asJSON bool
	var matrix int
	var export string
	cmd := &cobra.Command{
		Use:   "units [DIR]",
		Short: "List the units that a change touches, and why",
		Long: `Lists the units of the catalog in DIR (default: the working directory) that changed
between the merge base with --base and --head (default: the working tree, untracked
files included). Without --base it lists every unit.`,
		Example: `  penstock units --base origin/main --why
  penstock units --all --json
  penstock units --base origin/main --matrix 20   # jobs for a GitHub Actions matrix`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			root, err := directory(or(given, "."))
			if err != nil {
				return err
			}
			if o.Head != "" && o.Base == "" {
				return usage("--head needs --base: a change has two ends")
			}
			if matrix < 0 || matrix > catalog.MatrixLimit {
				return usage("--matrix takes 1 to %d jobs", catalog.MatrixLimit)
			}
			o.Root, o.All = root, o.All || o.Base == ""
			if o.Config, err = config.Load(os.DirFS(root)); err != nil {
				return err
			}
			selected, err := catalog.Select(cmd.Context(), o)
			if err != nil {
				return err
			}
			if export != "" {
				commit, dirty := live.Checkout(cmd.Context(), root)
				selected.Checkout = &catalog.Checkout{Commit: commit, Dirty: dirty, Authors: live.Authors(cmd.Context(), root, selected.Selection.Base)}
				if err := selected.Export(cmd.Context(), export); err != nil {
					return err
				}
				if err := exportLeaving(selected, export, root, o.Config); err != nil {
					return err
				}
			}
			p.verdict = pipelines.Pass
			if selected.Selection.Total == 0 {
				p.verdict = pipelines.NotRun
			}
			switch {
			case matrix > 0:
				return p.json(catalog.Matrix(selected.Selection, matrix))
			case asJSON:
				return p.json(selected.Selection)
			}
			return p.list(selected.Selection, why)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Base, "base", "", "list what changed since the merge base with `REF`")
	flags.StringVar(&o.Head, "head", "", "compare with `REF` instead of the working tree")
	flags.BoolVar(&o.All, "all", false, "list every unit")
	flags.BoolVar(&why, "why", false, "say how each unit came to be selected")
	flags.BoolVar(&asJSON, "json", false, "print the selection as JSON")
	flags.IntVar(&matrix, "matrix", 0, "print at most `N` jobs as JSON, for a matrix")
	flags.StringVar(&export, "export", "", "write the selection, and the base's policies and settings, to `DIR`")
	return cmd
}

// exportLeaving adds to what counts of the base the files by which units were in
// environments that they leave: plan and apply see from them that they were.
func exportLeaving(s catalog.Selected, dir, root string, head *config.Config) error {
	if s.Base == nil {
		return nil
	}
	was, err := config.Load(s.Base)
	if err != nil {
		return err
	}
	for _, name := range live.LeavingOf(s.Base, was.Live, os.DirFS(root), head.Live, s.Selection.Live).VariablesOf() {
		content, err := fs.ReadFile(s.Base, name)
		if err != nil {
			return fmt.Errorf("exporting the base: %w", err)
		}
		file := filepath.Join(dir, "base", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("exporting the base: %w", err)
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return fmt.Errorf("exporting the base: %w", err)
		}
	}
	return nil
}

func (p *program) list(s pipelines.Selection, why bool) error {
	var b strings.Builder
	for _, unit := range s.Units {
		line := unit.Path
		if why {
			line = strings.Join(unit.Why, " <- ")
		}
		fmt.Fprintln(&b, report.Printable(line))
	}
	if len(s.Units) == 0 {
		fmt.Fprintf(p.err, "no unit: %s\n", s.Reason)
	}
	for _, n := range s.Notices {
		fmt.Fprintf(p.err, "notice: %s\n", report.Printable(n.Message))
	}
	_, err := fmt.Fprint(p.out, b.String())
	return err
}

func (p *program) json(v any) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
