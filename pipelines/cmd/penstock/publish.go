package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/report"
)

// shownAnnotations is how many findings are shown beside the lines: four requests.
const shownAnnotations = 200

var fullCommit = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

func (p *program) publish() *cobra.Command {
	var f forgeFlags
	var sha, name, root string
	cmd := &cobra.Command{
		Use:   "publish REPORT.json --sha SHA",
		Short: "Publish a report as a check of a commit",
		Long: `Publishes a report that was written before as a check run of a commit: its page, and its
findings beside the lines in question, the worst first. Where the forge or the token has
no check runs it is a commit status, and a notice says so. A report passes or is waived, or
the check does not succeed.

GITHUB_REPOSITORY, GITHUB_TOKEN and GITHUB_API_URL say where to; the token needs the
permission "checks: write". The exit code is 0 whatever the verdict is (penstock report
assert sets it), 2 when the command line is wrong, and 3 when it could not be published.`,
		Example: `  penstock report publish report/report.json --sha "$(git rev-parse HEAD)"`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if !fullCommit.MatchString(sha) {
				return usage("--sha is needed: the full hash of a commit")
			}
			if name == "" || !fs.ValidPath(root) {
				return usage("--name must not be empty, and --root is a directory of the repository")
			}
			r, err := readReport(given[0])
			if err != nil {
				return err
			}
			check, err := checkOf(r, name, sha, root)
			if err != nil {
				return err
			}
			to, err := f.open()
			if err != nil {
				return err
			}
			w, err := to.Check(cmd.Context(), check)
			if err != nil {
				return err
			}
			return p.wrote(w, f)
		},
	}
	cmd.Flags().StringVar(&sha, "sha", "", "the full `HASH` of the commit; of a pull request, that of its head")
	cmd.Flags().StringVar(&name, "name", "penstock", "the `NAME` of the check")
	cmd.Flags().StringVar(&root, "root", ".", "the catalog's `DIR` within the repository")
	f.add(cmd)
	return cmd
}

// checkOf is a report as a check.
func checkOf(r *pipelines.Report, name, sha, root string) (forge.CheckRun, error) {
	check := forge.CheckRun{SHA: sha, Name: name, Conclusion: forge.Failed, Title: fmt.Sprintf("%s: %s", r.Verdict, report.Headline(r))}
	switch r.Verdict {
	case pipelines.Pass, pipelines.Waived:
		check.Conclusion = forge.Success
	case pipelines.Unknown: // somebody has to look
		check.Conclusion = forge.ActionRequired
	}
	check.Annotations = annotationsOf(r, root)
	left := max(len(check.Annotations)-shownAnnotations, 0)
	check.Annotations = check.Annotations[:len(check.Annotations)-left]
	var page bytes.Buffer
	const room = 100 // for what was left out
	if err := report.Markdown(&page, r, report.CommentLimit-room); err != nil {
		return forge.CheckRun{}, err
	}
	if left > 0 {
		fmt.Fprintf(&page, "\n%d more findings are not shown beside their lines.\n", left)
	}
	check.Summary = page.String()
	return check, nil
}

var severityOrder = []pipelines.Severity{pipelines.Critical, pipelines.High, pipelines.Medium, pipelines.Low, ""}

// annotationsOf are the findings that have a place, the worst first. A file whose
// name cannot be printed is not pointed at: it is in the page.
func annotationsOf(r *pipelines.Report, root string) []forge.Annotation {
	type placed struct {
		pipelines.Finding
		stage string
	}
	var found []placed
	for _, result := range r.Results {
		for _, f := range result.Findings {
			if f.Verdict != pipelines.Waived && fs.ValidPath(f.Path) && f.Path == report.Printable(f.Path) {
				found = append(found, placed{f, result.Stage})
			}
		}
	}
	order := func(p placed) int {
		if p.Verdict == pipelines.Fail {
			return slices.Index(severityOrder, p.Severity)
		}
		return len(severityOrder)
	}
	slices.SortStableFunc(found, func(a, b placed) int { return cmp.Compare(order(a), order(b)) })
	var all []forge.Annotation
	for _, one := range found {
		a := forge.Annotation{Path: path.Join(root, one.Path), Line: one.Line, EndLine: one.EndLine, Column: one.Column, EndColumn: one.EndColumn,
			Level: forge.LevelFailure, Title: one.stage + "/" + one.Rule, Message: one.Message}
		if one.Verdict == pipelines.Unknown {
			a.Level = forge.LevelWarning
		}
		if one.Resource != "" {
			a.Message = one.Resource + ": " + a.Message
		}
		if one.Hint != "" {
			a.Message += " (hint: " + one.Hint + ")"
		}
		all = append(all, a)
	}
	return all
}
