package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/report"
)

// forgeFlags are what the commands that write to the forge share.
type forgeFlags struct {
	tokenFile string
	json      bool
}

func (f *forgeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.tokenFile, "token-file", "", "a `FILE` with the token, in place of GITHUB_TOKEN")
	cmd.Flags().BoolVar(&f.json, "json", false, "print what was done as JSON")
}

// open takes the rest from the environment: the token is never an argument.
func (f *forgeFlags) open() (*forge.Forge, error) {
	o := forge.FromEnvironment(os.Getenv)
	if f.tokenFile != "" {
		var err error
		if o.Token, err = forge.ReadToken(f.tokenFile); err != nil {
			return nil, err
		}
	}
	return forge.Open(o)
}

// wrote says what was done.
func (p *program) wrote(w forge.Written, f forgeFlags) error {
	p.verdict = pipelines.Pass
	if w.Note != "" {
		fmt.Fprintf(p.err, "notice: %s\n", report.Printable(w.Note))
	}
	if f.json {
		return p.json(w)
	}
	line := string(w.Done)
	if w.URL != "" {
		line += " " + report.Printable(w.URL)
	}
	if w.Duplicates > 0 {
		line += fmt.Sprintf(" (%d duplicates removed)", w.Duplicates)
	}
	_, err := fmt.Fprintln(p.out, line)
	return err
}

func (p *program) comment() *cobra.Command {
	var f forgeFlags
	var pull int
	var file, key string
	cmd := &cobra.Command{
		Use:   "comment --pull N --file PAGE.md",
		Short: "Make the one comment of a page on a pull request say what the page says",
		Long: `Writes a page as a comment on a pull request, in place of the one that an earlier run
wrote. The first line of the page is the marker by which the comment is found again, such
as <!-- penstock:plan -->; a comment of somebody else is never touched. A page that did not
change is not written again. Of several plans of one pull request, such as those of a service's
stacks, each has a comment of its own by its --key, which becomes a part of the marker.

GITHUB_REPOSITORY, GITHUB_TOKEN and GITHUB_API_URL say where to; the token needs the
permission "pull-requests: write". Exit codes: 0 the comment is as the page is, 2 the
command line is wrong or the page has no marker, 3 it could not be written.`,
		Example: `  penstock comment --pull 7 --file plans/page.md
  penstock comment --pull 7 --file plans/page.md --key service-iac:dvlp`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if pull <= 0 || file == "" {
				return usage("--pull and --file are needed")
			}
			page, err := readPage(file)
			if err != nil {
				return err
			}
			marker, ok := forge.MarkerOf(page)
			if !ok {
				return usage("the first line of %q is no marker, as <!-- penstock:plan --> is", file)
			}
			if cmd.Flags().Changed("key") {
				keyed, err := forge.Keyed(marker, key)
				if err != nil {
					return usageError{err}
				}
				page, marker = keyed+strings.TrimPrefix(page, marker), keyed
			}
			to, err := f.open()
			if err != nil {
				return err
			}
			w, err := to.Comment(cmd.Context(), pull, marker, page)
			if err != nil {
				return err
			}
			return p.wrote(w, f)
		},
	}
	cmd.Flags().IntVar(&pull, "pull", 0, "the `NUMBER` of the pull request")
	cmd.Flags().StringVar(&file, "file", "", "the page, a `FILE` of Markdown that begins with its marker")
	cmd.Flags().StringVar(&key, "key", "", "tell the page from others of its kind by `KEY`, such as service-iac:dvlp: letters, digits and : / . _ @ -")
	f.add(cmd)
	return cmd
}

// readPage reads a page. One that is only somewhat too long is refused by the forge.
func readPage(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading the page: %w", err)
	}
	defer file.Close()
	const most = 8 * forge.BodyLimit // more bytes than the longest page can have
	text, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return "", fmt.Errorf("reading the page: %w", err)
	}
	if len(text) == most {
		return "", fmt.Errorf("reading the page: %q has %d bytes or more", path, most)
	}
	return string(text), nil
}
