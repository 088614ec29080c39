package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines/release"
	"github.com/penstock-dev/penstock/pipelines/report"
)

func (p *program) releaseModules() *cobra.Command {
	var r release.Release
	var asJSON, github bool
	var out string
	cmd := &cobra.Command{
		Use:   "release [DIR]",
		Short: "Tag the modules that changed, with the version that their interface asks for",
		Long: `Releases the modules of the catalog in DIR (default: the working directory) whose content
changed since their last tag: reads what callers depend on, compares it with the last
release, and derives the next version; commits can raise it, never lower it. Annotated tags
and records are pushed at once, or nothing is. What HEAD has is released.

With --dry-run it says what it would do, and changes nothing. That HEAD is not yet on the
main branch, is dirty, or was not tested is then only said.

With GITHUB_REPOSITORY and GITHUB_TOKEN the forge is asked whether the commit's checks are
green. Without them --evidence is needed: a report of the tests of exactly that commit.

Exit codes:
  0  released, nothing to release, or (--dry-run) it could be
  1  refused: nothing was changed
  2  the command line, penstock.yaml or a changelog fragment is wrong
  3  something could not be read or reached`,
		Example: `  penstock release --dry-run
  penstock release --evidence report/report.json
  penstock release verify`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			var err error
			if r.Root, err = directory(or(given, ".")); err != nil {
				return err
			}
			if os.Getenv("GITHUB_REPOSITORY") != "" && os.Getenv("GITHUB_TOKEN") != "" {
				if r.Forge, err = new(forgeFlags).open(); err != nil {
					return err
				}
				r.Self = ownRun(os.Getenv)
			}
			r.Penstock = version()
			done, err := r.Run(cmd.Context())
			if err != nil {
				return err
			}
			return p.showRelease(done, asJSON, github, out)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&r.DryRun, "dry-run", false, "say what would be released, and change nothing")
	flags.StringVar(&r.Remote, "remote", "origin", "the `REMOTE`, by name or address, that has the tags")
	flags.StringVar(&r.Base, "base", "", "the main `BRANCH` of the remote (default: what its HEAD names)")
	flags.StringVar(&r.Evidence, "evidence", "", "the `REPORT.json` of the tests of exactly this commit")
	flags.BoolVar(&asJSON, "json", false, "print the outcome as JSON")
	flags.BoolVar(&github, "github", false, "write the page to the job's summary too")
	flags.StringVar(&out, "out", "", "write the outcome to `DIR` too: release.json, release.md, and the report in every format")
	cmd.AddCommand(p.releaseVerify())
	return cmd
}

// ownRun is the address of the workflow run that this is, or "".
func ownRun(getenv func(string) string) string {
	server, repository, id := getenv("GITHUB_SERVER_URL"), getenv("GITHUB_REPOSITORY"), getenv("GITHUB_RUN_ID")
	if server == "" || id == "" {
		return ""
	}
	return server + "/" + repository + "/actions/runs/" + id
}

func (p *program) showRelease(o *release.Outcome, asJSON, github bool, out string) error {
	p.verdict = o.Verdict
	var page bytes.Buffer
	if err := release.Markdown(&page, o); err != nil {
		return err
	}
	if out != "" {
		if err := report.Export(out, o.Report()); err != nil {
			return err
		}
		for name, content := range map[string][]byte{"release.json": release.JSON(o), "release.md": page.Bytes()} {
			if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
				return fmt.Errorf("writing the outcome: %w", err)
			}
		}
	}
	if summary := os.Getenv("GITHUB_STEP_SUMMARY"); github && summary != "" {
		f, err := os.OpenFile(summary, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("writing the job's summary: %w", err)
		}
		defer f.Close()
		if _, err := f.Write(page.Bytes()); err != nil {
			return fmt.Errorf("writing the job's summary: %w", err)
		}
	}
	if asJSON {
		_, err := p.out.Write(release.JSON(o))
		return err
	}
	return release.Text(p.out, o)
}
